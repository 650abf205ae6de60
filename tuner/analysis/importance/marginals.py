"""A parameter's range in parts, and how trials stand in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.analysis.importance.encoding import Axis, Matrix
from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.number import Float, Int
from tuner.domain.trial import TrialRecord, TrialState

_MOST = 6
_NEAR_BEST = 0.3
_ORDERED = 0.9


class Shape(Enum):
    """How a trial's standing goes with a parameter."""

    NONE = "no more than chance"
    RISING = "more is better"
    FALLING = "less is better"
    PEAK = "best in between"
    VALLEY = "worst in between"
    UNEVEN = "up and down"
    CHOICE = "a choice"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A part of a parameter's range, from `low` to `high`, or one `option` of a choice.

    `standing` is the share of the other trials that a trial with a value in here is expected to be better than, the
    other parameters being anything. `trials` had such a value, and `mean` is that of the complete ones' values.
    """

    option: Scalar = None
    low: float | None = None
    high: float | None = None
    standing: float
    trials: int
    mean: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return str(self.option)
        return f"{self.low:.3g}" if self.low == self.high else f"{self.low:.3g} to {self.high:.3g}"


@final
class Bands:
    """One axis in parts: `expected` are drawn configurations' codes with their `standings`, `observed` the trials'."""

    def __init__(
        self, axis: Axis, expected: Matrix, standings: Matrix, observed: Matrix, trials: Sequence[TrialRecord]
    ) -> None:
        self._axis = axis
        self._values = _few_values(axis)
        self._expected, self._standings = self._parts(expected), standings
        self._observed, self._trials = self._parts(observed), trials
        # A branch can be so rare that no configuration with it was drawn.
        drawn = set(self._expected.tolist()) - {-1}
        self.all = tuple(self._band(part, part) for part in sorted(drawn))

    @property
    def shape(self) -> Shape:
        """How the standing goes from the lowest part to the highest."""
        if self._axis.options:
            return Shape.CHOICE
        heights = np.array([band.standing for band in self.all])
        order = np.corrcoef(np.arange(len(heights)), heights.argsort().argsort())[0, 1] if len(heights) > 1 else 0.0
        if abs(order) >= _ORDERED:
            return Shape.RISING if order > 0 else Shape.FALLING
        ends, slack = (heights[0], heights[-1]), _NEAR_BEST * np.ptp(heights)
        if max(ends) <= heights.max() - slack:
            return Shape.PEAK
        return Shape.VALLEY if min(ends) >= heights.min() + slack else Shape.UNEVEN

    @property
    def worst(self) -> Band | None:
        """The part, or option, to stay away from."""
        return min(self.all, key=lambda band: band.standing, default=None)

    @property
    def best(self) -> Band | None:
        """The best option; of a range the best part, with those beside it that are nearly as good."""
        if not self.all:
            return None
        heights = [band.standing for band in self.all]
        first = last = heights.index(max(heights))
        if not self._axis.options:
            enough = max(heights) - _NEAR_BEST * (max(heights) - min(heights))
            while first > 0 and heights[first - 1] >= enough:
                first -= 1
            while last + 1 < len(heights) and heights[last + 1] >= enough:
                last += 1
        parts = sorted(set(self._expected.tolist()) - {-1})
        return self._band(parts[first], parts[last])

    def _parts(self, codes: Matrix) -> NDArray[np.intp]:
        """Return the part that each code lies in; -1 for none."""
        absent = np.isnan(codes)
        known = np.where(absent, 0.0, codes)
        if self._axis.options:
            parts = known.astype(np.intp)
        elif self._values:
            places = np.array([self._axis.code(value) for value in self._values])
            parts = np.abs(known[:, None] - places[None, :]).argmin(axis=1)
        else:
            parts = np.minimum((known * _MOST).astype(np.intp), _MOST - 1)
        return np.where(absent, -1, parts)

    def _band(self, first: int, last: int) -> Band:
        expected = self._standings[(self._expected >= first) & (self._expected <= last)]
        rows = np.flatnonzero((self._observed >= first) & (self._observed <= last))
        there = [self._trials[row] for row in rows.tolist()]
        complete = [trial.value for trial in there if trial.state is TrialState.COMPLETE and trial.value is not None]
        mean = fmean(complete) if complete else None
        standing = float(expected.mean())
        if self._axis.options:
            return Band(option=self._axis.options[first], standing=standing, trials=len(there), mean=mean)
        low, high = self._edge(first, 0.0), self._edge(last, 1.0)
        return Band(low=low, high=high, standing=standing, trials=len(there), mean=mean)

    def _edge(self, part: int, end: float) -> float:
        if self._values:
            return float(self._values[part])  # type: ignore[arg-type]  # a range's values are numbers
        inside = min(1.0, max(0.0, (part + end) / _MOST))
        # A whole number on the border belongs to the part above it.
        quantile = max(0.0, inside - 1e-9) if end and isinstance(self._axis.parameter, Int) and inside < 1 else inside
        return float(self._axis.parameter.at(quantile))  # type: ignore[arg-type]


def _few_values(axis: Axis) -> tuple[Scalar, ...]:
    """Return all values of a range that has no more than there would be parts."""
    parameter = axis.parameter
    if isinstance(parameter, Choice):
        return ()
    assert isinstance(parameter, Float | Int)
    has_steps = parameter.step is not None or isinstance(parameter, Int)
    return parameter.grid(int(parameter.count)) if has_steps and parameter.count <= _MOST else ()
