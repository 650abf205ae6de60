"""How much a configuration's metric depends on the rows of data that it was measured on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.analysis.estimate import NO_ROWS, RowError
from tuner.domain.row_values import RowValues


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeans:
    """What each row contributes to a configuration's metric, on average over its trainings; `total` rows in all."""

    values: NDArray[np.float64]
    total: int

    @property
    def error(self) -> RowError:
        """The standard error of the metric's mean over rows. Rows are taken to be independent of each other."""
        return _error(self.values, self.total)

    def error_of_difference(self, other: "RowMeans") -> RowError:
        """Return the standard error of the difference of two configurations' metrics, from the same rows' differences.

        Paired by row: what makes a row hard is often the same for both. Where they were not measured on as many rows,
        the two errors add up as squares do.
        """
        if (self.total, len(self.values)) == (other.total, len(other.values)):
            return _error(self.values - other.values, self.total)
        return self.error_of_unpaired(other)

    def error_of_unpaired(self, other: "RowMeans") -> RowError:
        """Return the standard error of the difference of two metrics that were measured on different rows."""
        error = float(np.hypot(self.error.error, other.error.error))
        return RowError(error=error, rows=min(self.total, other.total))


def row_means(trainings: Iterable[RowValues | None]) -> RowMeans | None:
    """Return the mean over trainings of what each row contributes; None where no training has kept that.

    Trainings of another number of rows than most are left out.
    """
    kept = [each for each in trainings if each is not None and len(each) > 1]
    if not kept:
        return None
    (shape, _) = Counter((each.total, len(each)) for each in kept).most_common(1)[0]
    columns: list[NDArray[Any]] = [np.frombuffer(each.data, "<f4") for each in kept if (each.total, len(each)) == shape]
    return RowMeans(values=np.mean(columns, axis=0, dtype=np.float64), total=shape[0])


def _error(values: NDArray[np.float64], total: int) -> RowError:
    return RowError(error=float(values.std(ddof=1) / total**0.5), rows=total) if len(values) > 1 else NO_ROWS
