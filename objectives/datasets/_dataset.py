"""The port of a dataset."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task

Array = NDArray[Any]

Features = NDArray[np.float32] | NDArray[np.float64]

_SECONDS_A_DAY = 86_400

Label = str | int | float | bool
"""What a class is called in the data."""


class SplitKind(Enum):
    """What keeps rows together, or in order, when they are split."""

    GROUP = "group"
    TIME = "time"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitBy:
    """The column that rows are split by, and its value in each row, (rows,).

    Values are group numbers 0, 1, 2... (int64), or points in time as numbers that grow (float64), which are days since
    1970 where they are dates.
    """

    kind: SplitKind
    column: str
    values: Array = field(repr=False)
    are_dates: bool = False

    def label(self, value: float) -> str:
        """Return a point in time as people write it."""
        if not self.are_dates:
            return f"{value:.10g}"
        moment = np.datetime64(round(value * _SECONDS_A_DAY), "s")
        return str(moment.astype("datetime64[D]") if value == int(value) else moment)


class Dataset(ABC):
    """Examples with their targets; importing one loads nothing."""

    task: Task
    kind: Input
    labels: tuple[Label, ...] | None = None
    """A classifier's classes by their number, as people call them; None for regression."""
    categories: tuple[int, ...] = ()
    """The columns of a table that hold numbers of levels, which an encoding turns into what can be computed with.

    The levels are 0, 1, 2..., with -1 for one that the data never had and NaN for none.
    """
    levels: tuple[int, ...] = ()
    """How many levels each of the categories has."""
    split_by: SplitBy | None = None
    """What keeps rows together or in order when they are split; None: the split is random."""
    schema: Any = None
    """Of a table from a file: `tuner.objectives.user_data.schema.Schema`, which turns raw rows into features."""

    @abstractmethod
    def load(self) -> tuple[Features, Array]:
        """Return the features, one example a row, and the targets.

        Features are float64 where 32 bits would not hold all digits of the data; preprocessing makes float32 of them.
        Targets are the classes 0, 1, 2... (int64) or the values to predict (float64). Missing features are NaN.
        """

    def columns(self) -> tuple[str, ...] | None:
        """Return the names of a table's columns, in their order; None where they have none."""
        return None
