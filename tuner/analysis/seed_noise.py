"""How far trainings of one configuration lie apart that differ in their seeds alone."""

import math
from collections.abc import Sequence
from statistics import fmean, median, median_low, variance
from typing import final

from tuner.analysis.estimate import LEVEL, student

_ERRATIC = 9.0
"""A variance counts as that many times the median one at most: of a spread that is three times as wide."""

_FAR = 8.0
"""From how many standard deviations from its candidate's median on a training has diverged."""


@final
class SeedNoise:
    """The noise of seeds, over all candidates, and the margins that follow."""

    def __init__(self, groups: Sequence[Sequence[float]]) -> None:
        repeated = [values for values in groups if len(values) > 1]
        self.candidates = len(groups)
        self.degrees = sum(len(values) - 1 for values in repeated)
        self._typical = _typical_variance(repeated) if repeated else math.inf
        self.variance = _common_variance(repeated, self._typical) if repeated else math.inf

    def margin(self, values: Sequence[float]) -> float:
        """Return half the width of the interval of one candidate's mean; all candidates' hold at once."""
        return self._margin(self.of(values) / len(values), self.candidates)

    def margin_of_difference(self, one: Sequence[float], other: Sequence[float]) -> float:
        """Return half the width of the interval of the difference of two candidates' means, one of them the default."""
        error = self.of(one) / len(one) + self.of(other) / len(other)
        return self._margin(error, max(1, self.candidates - 1))

    def of(self, values: Sequence[float]) -> float:
        """Return the variance of one candidate: what it has in common with the others, or its own if that is larger."""
        own = variance(values) if len(values) > 1 else 0.0
        return max(own, self.variance)

    def diverged(self, values: Sequence[float], sign: float) -> tuple[float, ...]:
        """Return those of a candidate's values that are far worse than its others; `sign` is 1 where more is better."""
        if not 0 < self._typical < math.inf or len(values) < 3:  # noqa: PLR2004 - of two either may be the odd one
            return ()
        reach, middle = _FAR * math.sqrt(self._typical), median(values)
        return tuple(each for each in values if sign * (middle - each) > reach)

    def _margin(self, squared_error: float, comparisons: int) -> float:
        if not self.degrees:
            return math.inf
        return student(1 - (1 - LEVEL) / (2 * comparisons), self.degrees) * math.sqrt(squared_error)


def _typical_variance(groups: Sequence[Sequence[float]]) -> float:
    """Return the median variance of these groups.

    A variance from few values is more often too small than too large, so their median is too: the divisor is what it
    would be if all were one (Wilson and Hilferty 1931). Values that all agree say nothing of it.
    """
    scattered = [values for values in groups if variance(values) > 0]
    if len(scattered) < 2:  # noqa: PLR2004 - there is no middle
        return max(map(variance, groups))
    return median_low(variance(values) / (1 - 2 / (9 * (len(values) - 1))) ** 3 for values in scattered)


def _common_variance(groups: Sequence[Sequence[float]], typical: float) -> float:
    """Return the variance that these groups have in common: their mean, of which an erratic one is a part at most.

    The median alone is too small where values have a bad tail that few of them show.
    """
    return max(typical, fmean(min(variance(values), _ERRATIC * typical) for values in groups))
