"""How much a configuration's metric depends on the rows of data that it was measured on.

Few rows rarely show the worst ones: a classifier that is sure and right on all of 50 rows may be sure and wrong on
one in 50 others, which costs it more than all of these together. So the spread of rows is that of those measured and of
one more, which differs from them as far as a row can, or where that is not known as far as one does. For differences
between two classifiers' rows that is the interval of A. Agresti and Y. Min (Simple improved confidence intervals for
comparing matched proportions, 2005).
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.analysis.estimate import NO_ROWS, RowError
from tuner.domain.metric_bounds import is_log_loss, usual_bounds
from tuner.domain.row_values import RowValues

_LEAST = float(np.finfo(np.float32).eps)
"""The probability that a log loss does not go below."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeans:
    """What each row contributes to a configuration's `metric`, on average over its trainings; `total` rows in all."""

    values: NDArray[np.float64]
    total: int
    metric: str

    @property
    def error(self) -> RowError:
        """The standard error of the metric's mean over rows. Rows are taken to be independent of each other."""
        # The interval of a share allows for what no row has shown by itself.
        return _error(self.values, self.total, 0.0 if self.is_share else self.unseen)

    def error_of_difference(self, other: "RowMeans") -> RowError:
        """Return the standard error of the difference of two configurations' metrics, from the same rows' differences.

        Paired by row: what makes a row hard is often the same for both. Where they were not measured on as many rows,
        the two errors add up as squares do.
        """
        if (self.total, len(self.values)) != (other.total, len(other.values)):
            return self.error_of_unpaired(other)
        differences = self.values - other.values
        known = max(self.most_apart, other.most_apart)
        return _error(differences, self.total, known if self.is_share else max(known, _farthest(differences)))

    def error_of_unpaired(self, other: "RowMeans") -> RowError:
        """Return the standard error of the difference of two metrics that were measured on different rows."""
        errors = (_error(each.values, each.total, each.unseen).error for each in (self, other))
        return RowError(error=math.hypot(*errors), rows=min(self.total, other.total))

    @property
    def is_share(self) -> bool:
        """Whether the metric's name tells between which values it lies."""
        return math.isfinite(usual_bounds(self.metric, [float(self.values.mean())]).width)

    @property
    def unseen(self) -> float:
        """How far from the mean what one more row counts may be."""
        if self.is_share:
            return self.most_apart
        return max(self.most_apart - float(self.values.mean()), _farthest(self.values))

    @property
    def most_apart(self) -> float:
        """How far apart what a row counts for two models is at most; 0 where that is not known.

        The log loss is most where a classifier is wrong and as sure as it ever is.
        """
        mean, least = float(self.values.mean()), float(self.values.min())
        if self.is_share:
            return usual_bounds(self.metric, [mean]).width
        if not is_log_loss(self.metric) or least < 0:
            return 0.0
        return -math.log(max(-math.expm1(-least), _LEAST))


def row_means(trainings: Iterable[RowValues | None], metric: str) -> RowMeans | None:
    """Return the mean over trainings of what each row contributes; None where no training has kept that.

    Trainings of another number of rows than most are left out.
    """
    kept = [each for each in trainings if each is not None and len(each) > 1]
    if not kept:
        return None
    (shape, _) = Counter((each.total, len(each)) for each in kept).most_common(1)[0]
    columns: list[NDArray[Any]] = [np.frombuffer(each.data, "<f4") for each in kept if (each.total, len(each)) == shape]
    return RowMeans(values=np.mean(columns, axis=0, dtype=np.float64), total=shape[0], metric=metric)


def _farthest(values: NDArray[np.float64]) -> float:
    return float(np.abs(values - values.mean()).max())


def _error(values: NDArray[np.float64], total: int, unseen: float) -> RowError:
    """Return the standard error of the mean of so many rows and one more that is `unseen` away from it."""
    if len(values) <= 1:
        return NO_ROWS
    return RowError(error=math.hypot(float(values.std(ddof=1)) / total**0.5, unseen / total), rows=total)
