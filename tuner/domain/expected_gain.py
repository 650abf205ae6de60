"""How much better the best value is expected to become in the trials that are left, by the records so far.

A record is a usable trial that is better than all before it. Of independent trials the nth is one with probability 1/n,
whatever the values are (Rényi 1962, "Théorie des éléments saillants d'une suite d'observations"); of trials that become
better with time, as those of a sampler that learns do, with c/n (Yang 1975, "On the distribution of the inter-record
times in an increasing population"). So records come at a constant rate c in the logarithm of the trials' number, and c
is learned from those there were. How much a record gains is taken to be exponential, as it is where a distribution's
tail is (Arnold, Balakrishnan and Nagaraja 1998, "Records", section 2.3); where values are bounded gains shrink, and the
latest ones are an estimate that is too high. Both are integrated over what is not known of them.
"""

import math
from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import fmean, median
from typing import Any, final

from tuner.domain import ranking
from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord
from tuner.formatting.values import number

LEAST_COMPLETE = 8
"""Fewer usable trials say nothing."""

LEAST_FINISHED = 20
"""Nor do fewer finished ones."""

TOLERANCE = 0.05
"""A gain is negligible up to so much of what separates the best usable trial from the middle one."""

_SURE = 0.95
"""The upper end of the interval, of which 90 % lie within."""

_LATEST = 5
"""So many of the latest gains say how large the next ones are."""

_PRIOR = 1.0
"""What is known of the rate before: as much as one record in the time of one says, the rate of independent trials."""

_MOST_RECORDS = 200
_HALVINGS = 40


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedGain:
    """By how much the best value is expected to become better in the `left` trials; 0 and above, in the metric's unit.

    90 % of what may come lies between `low` and `high`. Up to `tolerance` it is negligible.
    """

    mean: float
    low: float
    high: float
    tolerance: float
    left: int

    @property
    def is_negligible(self) -> bool:
        """Whether even the upper end of the interval is not worth the trials that are left."""
        return self.high <= self.tolerance

    def __str__(self) -> str:
        interval = f"90 %: {number(self.low)} to {number(self.high)}"
        return f"{number(self.mean)} ({interval}), negligible up to {number(self.tolerance)}"

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def expected_gain(trials: Iterable[TrialRecord], goal: Goal, target: int) -> ExpectedGain | None:
    """Return the expected gain of going on from these trials to `target` in all; None where that is not known."""
    if goal.has_several:
        return None
    records = Records(goal)
    for trial in finished_in_order(trials):
        records.count(trial)
    return records.expected(target)


def finished_in_order(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the finished trials in the order in which they finished."""
    finished = (trial for trial in trials if trial.state.is_finished)
    return sorted(finished, key=lambda trial: (trial.finished or datetime.min, trial.number))  # noqa: DTZ901


@final
class Records:
    """The records of a study with one metric; trials are counted as they finish."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._sign = goal.direction.sign
        self._finished = 0
        self._values: list[float] = []
        self._exposure = 0.0
        self._num_records = 0
        self._gains: deque[float] = deque(maxlen=_LATEST)

    def count(self, trial: TrialRecord) -> None:
        """Record a finished trial."""
        usable = ranking.best([trial], self._goal)
        self.add(None if usable is None else usable.value)

    def add(self, value: float | None) -> None:
        """Record the value of a finished trial; None where it is not usable: not complete, or breaks a constraint."""
        self._finished += 1
        if self._values:
            self._exposure += 1 / self._finished
        if value is None or not math.isfinite(value):
            return
        if self._values and self._sign * value > self._values[-1]:
            self._num_records += 1
            self._gains.append(self._sign * value - self._values[-1])
        insort(self._values, self._sign * value)

    def expected(self, trials: int) -> ExpectedGain | None:
        """Return the expected gain of going on to so many `trials` in all; None while too little is known."""
        left = trials - self._finished
        if self._finished < LEAST_FINISHED or len(self._values) < LEAST_COMPLETE or left <= 0:
            return None
        spread = self._values[-1] - median(self._values)
        gains = [*self._gains] or [spread]
        ahead = sum(1 / each for each in range(self._finished + 1, trials + 1))
        chances = _num_records(_PRIOR + self._num_records, _PRIOR + self._exposure, ahead)
        mean = fmean(gains) * ahead * (_PRIOR + self._num_records) / (_PRIOR + self._exposure)
        high = _quantile(_SURE, chances, gains)
        low = _quantile(1 - _SURE, chances, gains)
        return ExpectedGain(mean=mean, low=low, high=max(mean, high), tolerance=TOLERANCE * spread, left=left)


def _num_records(shape: float, rate: float, ahead: float) -> list[float]:
    """Return the chance of 0, 1, 2, ... records ahead, where their rate has a gamma distribution."""
    chance = (rate / (rate + ahead)) ** shape
    chances = [chance]
    while sum(chances) < 1 - 1e-7 and len(chances) < _MOST_RECORDS:
        count = len(chances)
        chance *= (shape + count - 1) / count * ahead / (rate + ahead)
        chances.append(chance)
    return chances


def _quantile(share: float, chances: list[float], gains: list[float]) -> float:
    """Return what the sum of the gains ahead does not exceed with probability `share`."""
    total, known = sum(gains), len(gains)
    if chances[0] >= share or not total:
        return 0.0
    low, high = 0.0, 1.0  # of sum / (sum + total), which has a beta distribution for each number of records
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = chances[0] + sum(chance * _beta(middle, count, known) for count, chance in enumerate(chances[1:], 1))
        low, high = (middle, high) if below < share else (low, middle)
    return total * high / (1 - high) if high < 1 else math.inf


def _beta(at: float, left: int, right: int) -> float:
    """Return the distribution function of a beta distribution with whole parameters."""
    trials = left + right - 1
    return 1.0 - sum(math.comb(trials, each) * at**each * (1 - at) ** (trials - each) for each in range(left))
