"""Drift: how the best value of a parameter changes as a model grows, with an interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, final

import numpy as np

from tuner.domain.study import Direction

_SHARE = 0.95
_GRID = 0.5
"""By how much, in powers of 2, a best value at one size is unknown at least where values are a factor of 2 apart."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """What one size has shown with one seed: the metric by the parameter's value, and what a trial took."""

    size: int
    seed: int
    values: Mapping[float, float]
    seconds: float

    def best(self, direction: Direction) -> float:
        """Return the parameter's best value, between those tried where a parabola through three has its vertex."""
        tried = sorted(self.values)
        badness = [-direction.sign * self.values[each] for each in tried]
        place = int(np.argmin(badness))
        if not 0 < place < len(tried) - 1:
            return tried[place]
        x = np.log2(tried[place - 1 : place + 2])
        curve, slope, _ = np.polyfit(x - x[1], badness[place - 1 : place + 2], 2)
        vertex = -slope / (2 * curve) if curve > 0 else 0.0
        return float(2.0 ** (x[1] + min(max(vertex, x[0] - x[1]), x[2] - x[1])))

    def is_at_edge(self, direction: Direction) -> bool:
        """Whether the best value tried is the smallest or the largest, so that a better one may lie beyond."""
        best = max(self.values, key=lambda each: direction.sign * self.values[each])
        return best in (min(self.values), max(self.values))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A line through the best values: powers of 2 per doubling of the size, with a 95 % interval.

    `value` is what it says of the target, from `low` to `high`.
    """

    slope: float
    slope_low: float
    slope_high: float
    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out that there is no drift."""
        return self.slope_low > 0 or self.slope_high < 0

    def describe(self) -> dict[str, float]:
        """Return the JSON form."""
        return asdict(self)


def fitted_drift(sizes: Sequence[int], values: Sequence[float], target: int) -> Drift:
    """Return the line of log2 of the best `values` over log2 of their `sizes`, and what it says at `target`.

    The spread around it counts as no less than what a grid of factors of 2 leaves open.
    """
    x, y = np.log2(np.asarray(sizes, dtype=float)), np.log2(np.asarray(values, dtype=float))
    centre, spread = x.mean(), float(np.square(x - x.mean()).sum())
    slope = float((x - centre) @ (y - y.mean())) / spread
    left = y - y.mean() - slope * (x - centre)
    degrees = max(1, len(x) - 2)
    deviation = max(math.sqrt(float(left @ left) / degrees), _GRID / math.sqrt(3) / 2)
    quantile = float(import_module("scipy.special").stdtrit(degrees, 0.5 + _SHARE / 2))
    of_slope = quantile * deviation / math.sqrt(spread)
    away = math.log2(target) - centre
    of_line = quantile * deviation * math.sqrt(1 / len(x) + away**2 / spread)
    there = float(y.mean()) + slope * away
    return Drift(
        slope=slope,
        slope_low=slope - of_slope,
        slope_high=slope + of_slope,
        value=2.0**there,
        low=2.0 ** (there - of_line),
        high=2.0 ** (there + of_line),
    )


def extrapolated(sizes: Sequence[int], amounts: Sequence[float], target: int) -> float:
    """Return what a power of the size, through the means at the two largest sizes, says at `target`."""
    known = {size: [each for one, each in zip(sizes, amounts, strict=True) if one == size] for size in set(sizes)}
    *_, before, last = sorted(known)
    first, second = (math.fsum(known[size]) / len(known[size]) for size in (before, last))
    if min(first, second) <= 0:
        return second
    power = math.log(second / first) / math.log(last / before)
    return float(second * (target / last) ** power)


def described(rung: Rung, direction: Direction) -> dict[str, Any]:
    """Return the JSON form of a rung, with its best value."""
    values = [[value, metric] for value, metric in sorted(rung.values.items())]
    return {
        "size": rung.size,
        "seed": rung.seed,
        "values": values,
        "best": rung.best(direction),
        "seconds": rung.seconds,
    }
