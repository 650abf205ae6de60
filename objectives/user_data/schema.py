"""Schema of a table: its columns and target, which convert raw rows into features and classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Label
from tuner.objectives.user_data.cell_formats import as_text, is_text
from tuner.objectives.user_data.columns import Category, Column, from_description
from tuner.objectives.user_data.labels import key

_ALIKE = 0.75
"""How alike two names are, of 1, where one may be the other, written otherwise."""


@final
@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns in the order in which their features lie beside each other, and the target.

    `labels` are a classifier's classes, as they are in the data; empty for regression, whose `target` is a number.
    """

    columns: tuple[Column, ...]
    target: Column
    labels: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            raise ConfigurationError("beside the target there is no column that anything can be learnt from")

    @property
    def task(self) -> Task:
        """What is asked."""
        return Task.CLASSIFICATION if self.labels else Task.REGRESSION

    @cached_property
    def features_by_column(self) -> tuple[tuple[Column, slice], ...]:
        """The columns with the places of their features; one that is ignored has none."""
        begins = np.cumsum([0, *(len(column.names) for column in self.columns)])
        return tuple(
            (column, slice(int(begin), int(begin) + len(column.names)))
            for column, begin in zip(self.columns, begins, strict=False)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(name for column in self.columns for name in column.names)

    @property
    def categories(self) -> tuple[int, ...]:
        """The features that are the numbers of levels: -1 is an unknown level, NaN a gap."""
        return tuple(place.start for column, place in self.features_by_column if isinstance(column, Category))

    def features(self, frame: Any) -> NDArray[np.float64]:
        """Return the rows of a DataFrame as features; its columns may come in any order, and further ones are ignored.

        Raises `ConfigurationError` where a column is missing or a value cannot be read.
        """
        present = [str(name) for name in frame.columns]
        wanted = [column for column in self.columns if column.names]
        known = {self.target.name, *(column.name for column in self.columns)}
        others = [name for name in present if name not in known]  # what the model reads is meant as it is
        problems = [
            f"column {column.name!r} is {f'missing{_may_be(column.name, others)}' if not count else 'there twice'}"
            for column in wanted
            if (count := present.count(column.name)) != 1
        ]
        if problems:
            raise ConfigurationError(
                problems,
                hint=f"the model reads the columns {', '.join(column.name for column in wanted)}",
            )
        parts, mistakes = [], []
        for column in wanted:
            try:
                parts.append(column.features(frame[column.name]))
            except ConfigurationError as error:
                mistakes.append(error)
        if mistakes:
            raise ConfigurationError([each for error in mistakes for each in error.problems], mistakes[0].hint)
        return np.concatenate(parts, axis=1)

    def unseen(self, frame: Any) -> Mapping[str, tuple[str, ...]]:
        """Return the levels in a DataFrame that the data never had, by column; they all count as one further level."""
        categories = [column for column in self.columns if isinstance(column, Category)]
        found = {column.name: column.unseen(frame[column.name]) for column in categories}
        return {name: levels for name, levels in found.items() if levels}

    def targets(self, values: Any) -> NDArray[Any]:
        """Return a Series of raw answers as classes (int64) or values (float64)."""
        if not self.labels:
            return self.target.features(values)[:, 0]
        classes = {key(label): index for index, label in enumerate(self.labels)}
        labels, codes = labels_in(values, self.target)
        return np.array([classes[key(label)] for label in labels], dtype=np.int64)[codes]

    def describe(self) -> dict[str, Any]:
        """Return the schema as JSON."""
        return {
            "columns": [column.describe() for column in self.columns],
            "target": self.target.describe(),
            "labels": list(self.labels),
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "Schema":
        """Return the schema that `describe` described."""
        return Schema(
            columns=tuple(from_description(column) for column in description["columns"]),
            target=from_description(description["target"]),
            labels=tuple(description["labels"]),
        )


def labels_in(values: Any, target: Column) -> tuple[list[Label], NDArray[np.int64]]:
    """Return the distinct labels among raw answers, and the index of each answer's.

    Labels are numbers where the target is a number, bool where the file's own type is, else text.
    """
    if isinstance(target, Category):
        words = values if not is_text(values) and values.dtype == bool else as_text(values)
        codes, distinct = pd.factorize(words, use_na_sentinel=False)
        return [word if isinstance(word, str) else bool(word) for word in distinct], codes
    codes, numbers = pd.factorize(target.features(values)[:, 0], use_na_sentinel=False)
    return [int(number) if number.is_integer() else number for number in numbers.tolist()], codes


def _may_be(name: str, others: Sequence[str]) -> str:
    """Return which of the other columns it may be under another name; "" where none looks like it."""
    found = get_close_matches(name.lower(), [each.lower() for each in others], n=1, cutoff=_ALIKE)
    alike = next((each for each in others if found and each.lower() == found[0]), None)
    return "" if alike is None else f"; is it {alike!r}?"
