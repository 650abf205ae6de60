"""What makes an answer look better than it is, or worse than it could be: said before anything is trained."""

from collections.abc import Iterator

import numpy as np

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array, Dataset
from tuner.objectives.datasets._splitting import Split
from tuner.objectives.own_data.columns import Ignored
from tuner.objectives.own_data.schema import Schema
from tuner.objectives.own_data.table import Table

_FEWEST_ROWS = 20
"""In fewer rows a column can tell the target by chance."""

_ALIKE = 0.9999
"""How far a column has to be correlated with a value to be that value in other units."""

_IMBALANCE = 10


def table_doubts(table: Table) -> Iterator[str]:
    """Yield what a person should know of a table: left out rows and columns, leaks, rows that are there twice."""
    schema: Schema = table.schema
    if table.rows_without_target:
        yield f"rows without a {schema.target.name!r} are left out: {table.rows_without_target}"
    for column in schema.columns:
        if isinstance(column, Ignored) and column.reason != Ignored(name="").reason:
            keep = f'; [settings.columns] {column.name} = "category" keeps it' if "row" in column.reason else ""
            yield f"column {column.name!r} is left out: {column.reason}{keep}"
    yield from _telling(table)


def example_doubts(dataset: Dataset, split: Split) -> Iterator[str]:
    """Yield what a person should know of any examples: those that are in two parts of the split, and rare classes."""
    features, targets = dataset.load()
    yield from _repeated(features, targets, split)
    if dataset.labels is not None:
        yield from _rare(dataset, targets, split)


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


def _telling(table: Table) -> Iterator[str]:
    """Yield the columns that tell the target alone: they are often written down after it is known."""
    features, targets = table.load()
    if len(targets) < _FEWEST_ROWS:
        return
    schema: Schema = table.schema
    tells = _tells_class if table.task is Task.CLASSIFICATION else _tells_value
    for column, place in schema.features_by_column:
        if column.names and tells(features[:, place.start], targets):
            yield (
                f"column {column.name!r} alone tells {schema.target.name!r}: is it known before? "
                f'[settings.columns] {column.name} = "ignore" leaves it out'
            )


def _tells_class(values: Array, classes: Array) -> bool:
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


def _tells_value(values: Array, targets: Array) -> bool:
    known = np.isfinite(values)
    if known.sum() < _FEWEST_ROWS or np.ptp(values[known]) == 0 or np.ptp(targets[known]) == 0:
        return False
    return bool(abs(np.corrcoef(values[known].astype(np.float64), targets[known])[0, 1]) > _ALIKE)
