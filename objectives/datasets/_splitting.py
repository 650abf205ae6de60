"""Which rows train, which validate and which test."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.domain.seed import derive
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array, SplitBy, SplitKind
from tuner.objectives.datasets._keyed_splits import PARTS, TEST, TRAIN, VALIDATION, parts_by_group, parts_by_time

Rows = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Row numbers, each row in exactly one of the three.

    `groups` has the group of every row of the data, (rows,), where rows were split by group.
    """

    train: Rows
    validation: Rows
    test: Rows
    groups: Array | None = field(default=None, repr=False)


def split(targets: Array, *, task: Task, validation: float, test: float, seed: int, by: SplitBy | None = None) -> Split:
    """Return the split of a study with this seed; every class has its share of each part.

    With `by` rows of one group are in one part, or earlier rows train, later ones validate and the latest test; the
    shares are met as nearly as groups, or rows of one time, allow. Raises `ConfigurationError` where a share that was
    asked for is less than one row, or there are fewer groups or times than parts.
    """
    order = np.random.default_rng(derive(seed, "split")).permutation(len(targets))
    if by is not None:
        return _split_by(by, order, targets, task=task, validation=validation, test=test)
    if task is Task.CLASSIFICATION:
        order = order[np.argsort(targets[order], kind="stable")]
    tested, rest = _take(order, test)
    validated, trained = _take(rest, validation / (1 - test))
    for name, share, rows in (("validation", validation, validated), ("test", test, tested)):
        if share > 0 and not len(rows):
            raise ConfigurationError(f"settings.{name}: {share:g} of {len(targets)} examples is none")
    if not len(trained):
        raise ConfigurationError(f"settings.validation: of {len(targets)} examples none is left to train on")
    return Split(train=trained, validation=validated, test=tested)


def _split_by(by: SplitBy, order: Rows, targets: Array, *, task: Task, validation: float, test: float) -> Split:
    shares = {VALIDATION: validation, TEST: test}
    _refuse_too_few(by, needed=PARTS if test > 0 else PARTS - 1)
    if by.kind is SplitKind.TIME:
        parts = parts_by_time(by.values, shares)
    else:
        strata = targets if task is Task.CLASSIFICATION else np.zeros(len(targets), dtype=np.int64)
        parts = parts_by_group(by.values, strata, shares, order)
    train, validated, tested = (np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST))
    groups = by.values if by.kind is SplitKind.GROUP else None
    return Split(train=train, validation=validated, test=tested, groups=groups)


def _refuse_too_few(by: SplitBy, needed: int) -> None:
    found = len(np.unique(by.values))
    if found >= needed:
        return
    what = "group" if by.kind is SplitKind.GROUP else "different time"
    splits = "training, validation and test" if needed == PARTS else "training and validation"
    raise ConfigurationError(
        f"settings.{by.kind.value}: column {by.column!r} has {found} {what}{'s' * (found != 1)}, and {splits} need one "
        "each",
        hint=f"leave {by.kind.value} out of [settings] to split rows at random, or name another column",
    )


def _take(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
    """Take a row wherever another whole row is due, so that neighbours (of one class) are thinned evenly."""
    due = np.floor(np.arange(len(rows) + 1) * fraction + 1e-9)
    taken = np.diff(due) > 0
    return rows[taken], rows[~taken]
