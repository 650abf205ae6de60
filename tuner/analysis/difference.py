"""The difference of two configurations' means, each from trainings of its own."""

import math
from collections.abc import Sequence
from statistics import fmean, variance

from tuner.analysis.candidate import row_error_of_difference
from tuner.analysis.estimate import LEVEL, Estimate, estimate, normal, student
from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord

POWER = 0.8
"""How often a difference that trainings can show is to be found by them."""


def welch(
    ones: Sequence[TrialRecord], others: Sequence[TrialRecord], goal: Goal, *, is_paired: bool = True
) -> Estimate:
    """Return by how much the first are better in the mean, with its interval.

    Seeds are independent with variances of their own (B. Welch, 1947); rows are paired where they are the same ones.
    Both sides have complete repetitions; a side of one has no interval.
    """
    ours, theirs = ([each.value for each in side if each.value is not None] for side in (ones, others))
    return estimate(
        (),
        mean=goal.direction.sign * (fmean(ours) - fmean(theirs)),
        seed_margin=_margin(ours, theirs),
        rows=row_error_of_difference(ones, others, goal.metric, is_paired=is_paired),
    )


def detectable(difference: Estimate) -> float:
    """Return the least true difference that an interval as wide as this one excludes zero for, at `POWER`."""
    return difference.margin * (1 + normal(POWER) / normal(1 - (1 - LEVEL) / 2))


def _margin(ours: Sequence[float], theirs: Sequence[float]) -> float:
    if min(len(ours), len(theirs)) < 2:  # noqa: PLR2004 - a variance takes two
        return math.inf
    errors = [variance(values) / len(values) for values in (ours, theirs)]
    if (total := sum(errors)) == 0:
        return 0.0
    sizes = [len(values) for values in (ours, theirs)]
    degrees = 1 / sum((error / total) ** 2 / (size - 1) for error, size in zip(errors, sizes, strict=True))
    return student(1 - (1 - LEVEL) / 2, degrees) * math.sqrt(total)
