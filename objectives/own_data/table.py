"""A table from a file as a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from objectives._tasks import Input, Task
from objectives.datasets._dataset import Array, Dataset, Label
from objectives.own_data.columns import Column, Number
from objectives.own_data.inference import columns_of, target_of, type_problems
from objectives.own_data.reading import read_table
from objectives.own_data.schema import Schema, labels_in, sorted_labels
from tuner.domain.errors import ConfigurationError, nearest

MOST_CLASSES = 1000

_FEWEST_ROWS = 20
_MOST_WHOLE_CLASSES = 20
"""Whole numbers of no more different values are taken for classes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What a study's settings say about a table: its target, and what they know better than its looks tell."""

    target: str
    task: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] | None = None
    separator: str | None = None
    encoding: str | None = None


@final
class Table(Dataset):
    """Rows of a CSV or Parquet file, of which one column is to be predicted from the others.

    Reading it raises `ConfigurationError` with what is wrong. Rows without a target are left out.
    """

    kind = Input.TABLE

    def __init__(self, path: Path, options: TableOptions) -> None:
        frame = read_table(path, separator=options.separator, encoding=options.encoding)
        names = [str(name) for name in frame.columns]
        frame.columns = names
        problems = type_problems(dict(options.columns), names)
        if options.target not in names:
            problems.append(
                f"target: there is no column {options.target!r}{nearest(options.target, names)} "
                f"(columns: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''})"  # noqa: PLR2004
            )
        if problems:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        self.path = path
        self._read(frame, options)

    def _read(self, frame: Any, options: TableOptions) -> None:
        types = dict(options.columns)
        missing = None if options.missing is None else ("", *(word.lower() for word in options.missing))
        try:
            asked = types.pop(options.target, Number.type if options.task == Task.REGRESSION.value else None)
            target = target_of(frame[options.target], asked, missing)
            present = target.present(frame[options.target])
            self.rows_without_target = int(len(present) - present.sum())
            frame = frame[present]
            answers = labels_in(frame[options.target], target)
            labels = _labels(answers, target, options.task, len(frame))
            columns = columns_of(frame.drop(columns=options.target), types, missing)
            self.schema = Schema(columns=columns, target=target, labels=labels)
            self._features = self.schema.features(frame)
            self._targets = self.schema.targets(frame[options.target])
        except ConfigurationError as error:
            raise ConfigurationError([f"{self.path}, {problem}" for problem in error.problems], error.hint) from None
        if not self.schema.names:
            raise ConfigurationError(
                f"{self.path}: beside the target it has no column that anything can be learnt from"
            )
        self.task = self.schema.task
        self.labels = labels or None
        self.categories = self.schema.categories

    def load(self) -> tuple[NDArray[np.float32], Array]:
        return self._features, self._targets


def _labels(answers: Sequence[Label], target: Column, task: str | None, rows: int) -> tuple[Label, ...]:
    """Return the classes; none where it is a value that is to be predicted."""
    labels = sorted_labels(answers)
    if len(labels) < 2:  # noqa: PLR2004
        only = f"it is {str(labels[0])[:40]!r} in every row" if labels else "it has no value in any row"
        raise ConfigurationError(
            f"column {target.name!r}, the target: nothing can be learnt, {only}", hint="choose another target"
        )
    if task == Task.REGRESSION.value or (task is None and _is_measured(labels, target, rows)):
        return ()
    if len(labels) > MOST_CLASSES or (rows >= _FEWEST_ROWS and len(labels) > rows / 2):
        raise ConfigurationError(
            f"column {target.name!r}, the target: has {len(labels)} different values in {rows} rows, "
            "which are too many for classes",
            hint='choose another target; numbers are predicted as values with task = "regression" in [settings]',
        )
    return labels


def _is_measured(labels: Sequence[Label], target: Column, rows: int) -> bool:
    """Whether a target that nobody said anything about looks like a value and not like a class."""
    if not isinstance(target, Number):
        return False
    whole = all(isinstance(label, int) for label in labels)
    few = len(labels) <= _MOST_WHOLE_CLASSES and (len(labels) == 2 or 2 * len(labels) <= rows)  # noqa: PLR2004
    return not (whole and few)
