"""Warnings about data before training: leaks, duplicates, order, rare classes and few examples."""

from collections.abc import Iterator

import numpy as np

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array, Dataset, SplitKind
from tuner.objectives.datasets._splitting import Split
from tuner.objectives.user_data.columns import Date, Ignored, Number
from tuner.objectives.user_data.schema import Schema
from tuner.objectives.user_data.split_columns import REASONS
from tuner.objectives.user_data.table import TableDataset

_FEWEST_ROWS = 20
"""In fewer rows a column can determine the target by chance."""

_ALIKE = 0.9999
"""How far a column has to be correlated with a value to be that value in other units."""

_IMBALANCE = 10

_FEWEST_TO_COMPARE = 20
"""Among fewer validation examples a single one moves a metric by more than trials differ."""


def table_doubts(table: TableDataset) -> Iterator[str]:
    """Yield what a person should know of a table: left out rows and columns, leaks, rows that are there twice."""
    schema: Schema = table.schema
    known = {Ignored(name="").reason, *REASONS.values()}  # as the settings say
    if table.rows_without_target:
        yield f"rows without a {schema.target.name!r} are left out: {table.rows_without_target}"
    for column in schema.columns:
        if isinstance(column, Ignored) and column.reason not in known:
            keep = f'; [settings.columns] {column.name} = "category" keeps it' if "row" in column.reason else ""
            yield f"column {column.name!r} is left out: {column.reason}{keep}"
    yield from _ordered(table)
    yield from _telling(table)


def _ordered(table: TableDataset) -> Iterator[str]:
    """Yield that the rows lie in the order of a date, or of a number that only grows."""
    features, targets = table.load()
    schema: Schema = table.schema
    if len(targets) < _FEWEST_ROWS or (table.split_by is not None and table.split_by.kind is SplitKind.TIME):
        return
    for column, place in schema.features_by_column:
        if isinstance(column, Date | Number) and _only_grows(
            features[:, place.start], strictly=column.type == Number.type
        ):
            yield (
                f"the rows lie in the order of column {column.name!r}, and the split is random: validation and test "
                "rows lie between those that are trained on, so forecasts of later rows look better than they are; "
                f'time = "{column.name}" in [settings] trains on the first rows and tests the last'
            )
            return


def _only_grows(values: Array, *, strictly: bool) -> bool:
    known = values[np.isfinite(values)]
    steps = np.diff(known)
    if len(known) < _FEWEST_ROWS or 2 * len(known) < len(values):
        return False
    grows = bool((steps >= 0).all() or (steps <= 0).all())
    # A table that is sorted by a number of few values is sorted, and not in the order of time.
    return grows and bool((steps != 0).all() if strictly else 10 * (steps != 0).sum() > len(known))


def example_doubts(dataset: Dataset, split: Split) -> Iterator[str]:
    """Yield what a person should know of any examples: those that are in two parts of the split, and rare classes."""
    features, targets = dataset.load()
    yield from _small(targets, split)
    yield from _repeated(features, targets, split)
    if dataset.labels is not None:
        yield from _rare(dataset, targets, split)


def _small(targets: Array, split: Split) -> Iterator[str]:
    if len(split.validation) < _FEWEST_TO_COMPARE:
        yield (
            f"{len(targets)} examples are {len(split.train)} to train, {len(split.validation)} to validate and "
            f"{len(split.test)} to test: differences between trials may be chance"
        )


def _repeated(features: Array, targets: Array, split: Split) -> Iterator[str]:
    keys = np.array([hash((row.tobytes(), target)) for row, target in zip(features, targets.tolist(), strict=True)])
    for name, rows in (("validation", split.validation), ("test", split.test)):
        count = int(np.isin(keys[rows], keys[split.train]).sum())
        if count:
            yield f"of the {len(rows)} examples of the {name} split, {count} are in the training split too"


def _rare(dataset: Dataset, targets: Array, split: Split) -> Iterator[str]:
    assert dataset.labels is not None
    counts = np.bincount(targets, minlength=len(dataset.labels))
    for name, rows in (("validation", split.validation), ("test", split.test)):
        absent = np.flatnonzero(np.bincount(targets[rows], minlength=len(counts)) == 0) if len(rows) else ()
        for label in absent:
            yield f"class {dataset.labels[label]!r} has no example in the {name} split, of {counts[label]} in all"
    if counts.max() > _IMBALANCE * counts.min():
        common, rare = dataset.labels[int(counts.argmax())], dataset.labels[int(counts.argmin())]
        yield (
            f"class {common!r} has {counts.max()} examples and {rare!r} {counts.min()}: "
            'accuracy hides what happens to the rare; metric = "f1" does not'
        )


def _telling(table: TableDataset) -> Iterator[str]:
    """Yield the columns that determine the target by themselves: they are often recorded after it is known."""
    features, targets = table.load()
    if len(targets) < _FEWEST_ROWS:
        return
    schema: Schema = table.schema
    determines = _determines_class if table.task is Task.CLASSIFICATION else _determines_value
    for column, place in schema.features_by_column:
        if column.names and determines(features[:, place.start], targets):
            yield (
                f"column {column.name!r} alone determines {schema.target.name!r}: is it known before? "
                f'[settings.columns] {column.name} = "ignore" leaves it out'
            )


def _determines_class(values: Array, classes: Array) -> bool:
    """Whether each value has one class, or each class an interval of its own."""
    keys = np.nan_to_num(values.astype(np.float64), nan=-np.inf)
    order = np.lexsort((classes, keys))
    keys, classes = keys[order], classes[order]
    same_value = keys[1:] == keys[:-1]
    changes = classes[1:] != classes[:-1]
    if (same_value & changes).any():
        return False
    distinct = len(keys) - int(same_value.sum())
    return 2 * distinct <= len(keys) or int(changes.sum()) == classes.max()


def _determines_value(values: Array, targets: Array) -> bool:
    known = np.isfinite(values)
    if known.sum() < _FEWEST_ROWS or np.ptp(values[known]) == 0 or np.ptp(targets[known]) == 0:
        return False
    return bool(abs(np.corrcoef(values[known].astype(np.float64), targets[known])[0, 1]) > _ALIKE)
