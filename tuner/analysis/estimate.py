"""A mean with the interval that holds the true one, and how such intervals are made."""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import final

from tuner.domain.metric_bounds import UNBOUNDED, Bounds
from tuner.formatting.values import number

LEVEL = 0.95
"""How often an interval is to hold the true mean."""

ROUNDING = 1e-12
"""What a difference is at least, as a part of the value, that is more than rounding."""

_LOPSIDED = 0.1
"""From which difference of its two sides on an interval is not shown as ±, as a share of its half."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and the interval that holds the true one at `LEVEL`, from these values; infinite for a single value.

    With `rows` it is an interval for new rows of data: it allows for other seeds and for other rows than the so many
    that were measured. Without (0) it allows for other seeds alone. `seed_margin` is half the width of an interval for
    other seeds on the same rows.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]
    seed_margin: float = math.inf
    rows: int = 0

    @property
    def margin(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.margin)

    def beside(self, main: "Estimate") -> str:
        """Return it as text for a table beside the estimate that counts; an interval for something else is left out."""
        return str(self) if bool(self.rows) == bool(main.rows) else number(self.mean)

    @property
    def claim(self) -> str:
        """What the interval is for, in words."""
        return "on new rows" if self.rows else "with another seed"

    def __str__(self) -> str:
        """Return the mean and its interval as people read them: `0.9889 ± 0.0031`, or `0.9972 (0.9811 to 0.9996)`."""
        mean = number(self.mean)
        if not ROUNDING * abs(self.mean) < self.margin < math.inf:
            return mean
        is_lopsided = abs(self.high + self.low - 2 * self.mean) > _LOPSIDED * self.margin
        # ± would have an error that cannot be negative reach below zero.
        is_cut_off = self.mean - self.margin < 0 <= self.low
        both = f"± {number(self.margin)}"
        if is_lopsided or is_cut_off:
            both = f"({number(self.low)} to {number(self.high)})"
        return f"{mean} {both}"

    def describe(self) -> dict[str, object]:
        """Return the JSON form; bounds that are not known are None."""
        low, high = (self.low, self.high) if self.is_known else (None, None)
        seed_margin = self.seed_margin if math.isfinite(self.seed_margin) else None
        return {
            "mean": self.mean,
            "low": low,
            "high": high,
            "rows": self.rows,
            "seed_margin": seed_margin,
            "values": list(self.values),
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """The standard error of a mean over so many rows of data."""

    error: float = 0.0
    rows: int = 0


NO_ROWS = RowError()


def estimate(
    values: tuple[float, ...],
    *,
    mean: float,
    seed_margin: float,
    comparisons: int = 1,
    rows: RowError = NO_ROWS,
    bounds: Bounds = UNBOUNDED,
) -> Estimate:
    """Return a mean with its interval, which allows for other seeds and for other rows.

    Seeds and rows vary independently, so their margins add up as squares do, on each side (G. Zou and A. Donner,
    Construction of confidence limits about effect measures, 2008). `comparisons` intervals hold at once
    (Bonferroni); `seed_margin` allows for that already.
    """
    alpha = (1 - LEVEL) / comparisons
    margin = math.hypot(seed_margin, normal(1 - alpha / 2) * rows.error)
    low, high = (mean - margin, mean + margin)
    if bounds.power is not None and rows.error > 0 and mean > 0 and math.isfinite(margin):
        least, most = _of_squares(mean, rows.error, alpha, bounds.power)
        low = max(bounds.low, mean - math.hypot(seed_margin, mean - least))
        high = mean + math.hypot(seed_margin, most - mean)
    elif math.isfinite(margin):
        low, high = _within(mean, margin, alpha, bounds, rows.rows)
    return Estimate(mean=mean, low=low, high=high, values=values, seed_margin=seed_margin, rows=rows.rows)


def _of_squares(mean: float, error: float, alpha: float, power: float) -> tuple[float, float]:
    """Return an interval for a power of a mean of squares, that of a variance with as many degrees as it is sure.

    It reaches farther up than down, as few rows rarely show the largest errors (F. Satterthwaite, An approximate
    distribution of estimates of variance components, 1946). For errors of a normal distribution it is exact. `error` is
    the standard error; a single row has one degree, and none has fewer.
    """
    relative = error / mean / power
    degrees = max(1.0, 2 / relative**2)
    low, high = (degrees / _chi_square(share, degrees) for share in (1 - alpha / 2, alpha / 2))
    return mean * low**power, mean * high**power


def _within(mean: float, margin: float, alpha: float, bounds: Bounds, rows: int) -> tuple[float, float]:
    """Return an interval within a metric's bounds.

    That of a binomial share (C. Clopper and E. Pearson, 1934) of so many rows that its margin is the same (E. Korn and
    B. Graubard, Confidence intervals for proportions with small expected number of positive counts, 1998), and of no
    more than there are: lopsided near a bound. At a bound the margin says nothing of rows, and their number counts.
    """
    if math.isinf(bounds.width):
        return max(bounds.low, mean - margin), min(bounds.high, mean + margin)
    share, width = (mean - bounds.low) / bounds.width, margin / bounds.width
    if 0 < share < 1:
        if width == 0:
            return mean, mean
        size = min(rows or math.inf, share * (1 - share) * (normal(1 - alpha / 2) / width) ** 2)
        low, high = (
            _beta(share * size, (1 - share) * size + 1, alpha / 2),
            _beta(share * size + 1, (1 - share) * size, 1 - alpha / 2),
        )
    else:
        beyond = 1 - (alpha / 2) ** (1 / rows) if rows else 0.0
        reach = min(1.0, math.hypot(beyond, width))
        low, high = (0.0, reach) if share <= 0 else (1 - reach, 1.0)
    return bounds.low + low * bounds.width, bounds.low + high * bounds.width


def student(share: float, degrees: float) -> float:
    """Return the value below which Student's t lies with probability `share`."""
    # Imported for studies with repetitions alone: it costs other queries a third of their time.
    return float(import_module("scipy.special").stdtrit(degrees, share))


def normal(share: float) -> float:
    """Return the value below which a standard normal variable lies with probability `share`."""
    return float(import_module("scipy.special").ndtri(share))


def _chi_square(share: float, degrees: float) -> float:
    """Return the value below which a chi-square variable lies with probability `share`."""
    return 2 * float(import_module("scipy.special").gammaincinv(degrees / 2, share))


def _beta(first: float, second: float, share: float) -> float:
    """Return the value below which a beta variable lies with probability `share`."""
    return float(import_module("scipy.special").betaincinv(first, second, share))
