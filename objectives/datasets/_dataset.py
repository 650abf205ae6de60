"""The port of a dataset."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task

Array = NDArray[Any]

Features = NDArray[np.float32] | NDArray[np.float64]

Label = str | int | float | bool
"""What a class is called in the data."""


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
