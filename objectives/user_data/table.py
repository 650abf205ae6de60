"""Table: rows of a CSV or Parquet file as a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset, Label
from tuner.objectives.user_data.columns import Category, Column, Ignored, Number, type_problems
from tuner.objectives.user_data.labels import check_labels, sorted_labels
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.schema import Schema, labels_in
from tuner.objectives.user_data.split_columns import split_by, split_column_problems, without_split_column
from tuner.objectives.user_data.table_notation import Conventions
from tuner.objectives.user_data.table_reader import read_table
from tuner.objectives.user_data.type_inference import columns_of, target_of

_LISTED = 20
_MOST_WHOLE_CLASSES = 20
"""Whole numbers of no more different values are taken for classes."""


@final
class TableDataset(Dataset):
    """Rows of a CSV or Parquet file, of which one column is to be predicted from the others.

    Reading it raises `ConfigurationError` with what is wrong. Rows without a target are left out.
    """

    kind = Input.TABLE

    def __init__(self, path: Path, options: DataOptions) -> None:
        frame = read_table(path, separator=options.separator, encoding=options.encoding)
        names = [str(name) for name in frame.columns]
        frame.columns = names
        problems = type_problems(dict(options.columns), names)
        target = options.target
        if target not in names:
            missing = "missing; which column is to be predicted?"
            which = missing if target is None else f"there is no column {target!r}{nearest(target, names)}"
            problems.append(f"target: {which} (columns: {_listed(names)})")
        problems += split_column_problems(options, names)
        if problems:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        assert target is not None  # it is one of the columns
        self.path = path
        self._read(frame, target, options)

    def _read(self, frame: Any, name: str, options: DataOptions) -> None:
        types = dict(options.columns)
        conventions = Conventions(frame, options)
        try:
            target, present, labels = understood(frame[name], types.pop(name, None), options.task, conventions)
            self.rows_without_target = int(len(present) - present.sum())
            frame = frame[present]
            self.split_by = split_by(frame, options, conventions)
            if self.split_by is not None:
                types.setdefault(self.split_by.column, Ignored.type)
            columns = columns_of(frame.drop(columns=name), types, conventions)
            columns = without_split_column(columns, options)
            self.schema = Schema(columns=columns, target=target, labels=labels)
            self._features = self.schema.features(frame)
            self._targets = self.schema.targets(frame[name])
        except ConfigurationError as error:
            raise ConfigurationError([f"{self.path}, {problem}" for problem in error.problems], error.hint) from None
        self.task = self.schema.task
        self.notes = conventions.notes
        self.labels = labels or None
        self.categories = self.schema.categories
        self.levels = tuple(len(column.levels) for column in columns if isinstance(column, Category))

    def load(self) -> tuple[NDArray[np.float64], Array]:
        return self._features, self._targets


def understood(
    values: Any, kind: str | None, task: str | None, conventions: Conventions
) -> tuple[Column, NDArray[np.bool_], tuple[Label, ...]]:
    """Return the target that a column is, whether each of its values says anything, and the classes.

    `kind` is its type and `task` what is asked, as far as the settings say; there are no classes where a value is to be
    predicted.
    """
    asked = Number.type if kind is None and task == Task.REGRESSION.value else kind
    target = target_of(values, asked, conventions)
    present = target.present(values)
    known = values[present]
    labels = _labels(known, target, task)
    if isinstance(target, Number) and labels and str(target.writing):
        # A class keeps the words that the data has for it.
        target = target_of(known, Category.type, conventions)
        labels = _labels(known, target, task)
    return target, present, labels


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:_LISTED], *(["..."] if len(names) > _LISTED else [])])


def _labels(answers: Any, target: Column, task: str | None) -> tuple[Label, ...]:
    """Return the classes; none where it is a value that is to be predicted."""
    labels = sorted_labels(labels_in(answers, target)[0])
    where = f"column {target.name!r}, the target"
    if len(labels) > 1 and (
        task == Task.REGRESSION.value or (task is None and _is_value(labels, target, len(answers)))
    ):
        return ()
    check_labels(labels, len(answers), where)
    return labels


def _is_value(labels: Sequence[Label], target: Column, rows: int) -> bool:
    """Whether a target without a task in the settings looks like a value and not like a class."""
    if not isinstance(target, Number):
        return False
    whole = all(isinstance(label, int) for label in labels)
    few = len(labels) <= _MOST_WHOLE_CLASSES and (len(labels) == 2 or 2 * len(labels) <= rows)  # noqa: PLR2004
    return not (whole and few)
