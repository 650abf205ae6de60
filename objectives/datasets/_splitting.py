"""Which rows train, which validate and which test."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.domain.seed import derive
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array

Rows = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Row numbers, each row in exactly one of the three."""

    train: Rows
    validation: Rows
    test: Rows


def split(targets: Array, *, task: Task, validation: float, test: float, seed: int) -> Split:
    """Return the split of a study with this seed; every class has its share of each part.

    Raises `ConfigurationError` where a share that was asked for is less than one row.
    """
    order = np.random.default_rng(derive(seed, "split")).permutation(len(targets))
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


def _take(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
    """Take a row wherever another whole row is due, so that neighbours (of one class) are thinned evenly."""
    due = np.floor(np.arange(len(rows) + 1) * fraction + 1e-9)
    taken = np.diff(due) > 0
    return rows[taken], rows[~taken]
