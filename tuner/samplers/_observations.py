"""What was measured, as a model learns it: points, how far they were trained, and a score for each."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from tuner.domain import ranking
from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers._encoding import Matrix, SpaceEncoding, Vector
from tuner.samplers._front_gain import WeightedDistance

_RATIO = 3
"""Of a curve those epochs are learned that are so many times the one before, and the last."""

_WORST = -2.0
"""The score of a failed trial, at the most."""

_REACH, _REACH_OF_SEVERAL = 1.0, 4.0
"""Where poor merits are cut off, in distances of the best one from the median. With several metrics what is poor in one
may be good in another, so more of it is kept."""


@final
@dataclass(frozen=True, slots=True)
class Observed:
    """Rows to learn from: points, the depth of each (0 the first report, 1 the furthest), and a score by each metric.

    `merits` say which rows are better, all metrics together.
    """

    points: Matrix
    depths: Vector
    scores: Matrix
    merits: Vector

    def equals(self, other: "Observed") -> bool:
        """Whether both have the same rows."""
        return (
            np.array_equal(self.scores, other.scores)
            and np.array_equal(self.depths, other.depths)
            and np.array_equal(self.points, other.points, equal_nan=True)
        )


@final
@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    epoch: int
    values: tuple[float, ...]
    excess: float


@final
class Observations:
    """Collects trials, and says what they are worth.

    Scores are standardised, so that the scale of a metric does not matter. Rows that break a constraint score below all
    that meet them, those that are further from meeting them lower (Deb 2000, "An efficient constraint handling method
    for genetic algorithms"), and failed trials lowest.
    """

    def __init__(self, encoding: SpaceEncoding, goal: Goal) -> None:
        self._encoding = encoding
        self._goal = goal
        self._trials: dict[int, TrialRecord] = {}
        self._points: dict[int, Vector] = {}
        self._known: dict[int, list[_Row]] = {}

    def observe(self, trial: TrialRecord) -> None:
        """Record a trial as it now is."""
        before = self._trials.get(trial.number)
        if before is None or before.config != trial.config:
            self._points[trial.number] = self._encoding.point_of(trial.config)
        self._trials[trial.number] = trial
        self._known.pop(trial.number, None)

    @property
    def count(self) -> int:
        """How many trials taught something."""
        return sum(bool(trial.curve) or trial.state is TrialState.FAIL for trial in self._trials.values())

    def best(self, count: int, weights: Vector) -> Matrix:
        """Return the points of the best trials so far by weighted metrics, whether they are over or not."""
        rows = {row.number: row for number in sorted(self._trials) for row in self._rows(number)[-1:]}
        order = np.argsort(-_merits(self._scores([*rows.values()]), weights), kind="stable")[:count]
        numbers = [*rows]
        return self._encoding.stacked([self._points[numbers[place]] for place in order])

    def all(self, weights: Vector) -> Observed:
        """Return a row for each trial at some of its epochs; the `weights` are those of the metrics in the merits."""
        rows = [row for number in sorted(self._trials) for row in self._rows(number)]
        failed = [number for number in sorted(self._trials) if self._trials[number].state is TrialState.FAIL]
        points = [self._points[number] for number in (*(row.number for row in rows), *failed)]
        depths = np.concatenate([_depths([row.epoch for row in rows]), np.ones(len(failed))])
        scores = self._scores(rows)
        lowest = np.minimum(_WORST, scores.min(0, initial=_WORST))
        scores = np.concatenate([scores, np.tile(lowest, (len(failed), 1))])
        return Observed(self._encoding.stacked(points), depths, scores, _merits(scores, weights))

    def _rows(self, number: int) -> list[_Row]:
        """Return the rows of a trial, which are made again once it has changed."""
        if number not in self._known:
            self._known[number] = self._rows_of(self._trials[number])
        return self._known[number]

    def _rows_of(self, trial: TrialRecord) -> list[_Row]:
        if not trial.curve or trial.state is TrialState.FAIL:
            return []
        excess = self._goal.excess(trial.metrics) if self._goal.constraints else 0.0
        if self._goal.has_several:
            values = ranking.values(trial, self._goal)
            known = tuple(value for value in values if value is not None)
            return [_Row(trial.number, trial.last_epoch, known, excess)] if len(known) == len(values) else []
        sign = self._goal.direction.sign
        rows, best, mark, last = [], -math.inf, 0, trial.last_epoch
        for epoch in sorted(trial.curve):
            best = max(best, sign * trial.curve[epoch])
            if epoch >= mark or epoch == last:
                rows.append(_Row(trial.number, epoch, (sign * best,), excess))
                mark = epoch * _RATIO
        return rows

    def _scores(self, rows: list[_Row]) -> Matrix:
        """Return a score for each row and metric, of which a higher one is better; of mean 0 and deviation 1."""
        metrics = len(self._goal.metrics)
        if not rows:
            return np.empty((0, metrics))
        signs = np.array([direction.sign for direction in self._goal.directions])
        values = signs * np.array([row.values for row in rows])
        reach = _REACH_OF_SEVERAL if metrics > 1 else _REACH
        units = np.column_stack([_unit(column, reach) for column in values.T])
        excesses = np.array([row.excess for row in rows])
        if (excesses > 0).any():
            below = units.min(0) - (excesses / excesses.max())[:, None]
            units = np.column_stack([_unit(column) for column in np.where((excesses > 0)[:, None], below, units).T])
        scores: Matrix = (units - units.mean(0)) / np.where(units.std(0) > 0, units.std(0), 1.0)
        return scores


def _merits(scores: Matrix, weights: Vector) -> Vector:
    if scores.shape[1] == 1 or not len(scores):
        merits: Vector = scores.sum(1)
        return merits
    return WeightedDistance(scores, weights).by(scores)


def _depths(epochs: list[int]) -> Vector:
    """Return where epochs lie between the first and the furthest, on a logarithmic scale."""
    if not epochs or min(epochs) == max(epochs):
        return np.ones(len(epochs))
    logs = np.log(np.array(epochs, dtype=np.float64))
    depths: Vector = (logs - logs.min()) / (logs.max() - logs.min())
    return depths


def _unit(merits: Vector, reach: float = _REACH) -> Vector:
    """Return merits between 0 and 1, whatever finite numbers they are.

    Merits below the median are cut off `reach` times as far from it as the best one is: how poor a poor trial is does
    not matter, and a loss that exploded must not hide the differences among good ones.
    """
    ordered = np.sort(merits)
    median = 0.5 * ordered[(len(merits) - 1) // 2] + 0.5 * ordered[len(merits) // 2]  # a sum could be infinite
    with np.errstate(over="ignore"):
        cut = np.maximum(merits, median - reach * (ordered[-1] - median))
    scaled = cut / (np.abs(cut).max() or 1.0)
    unit: Vector = (scaled - scaled.min()) / (np.ptp(scaled) or 1.0)
    return unit
