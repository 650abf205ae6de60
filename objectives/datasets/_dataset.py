"""The port of a dataset."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from objectives._tasks import Input, Task

Array = NDArray[Any]


class Dataset(ABC):
    """Examples with their targets; importing one loads nothing."""

    task: ClassVar[Task]
    kind: ClassVar[Input]

    @abstractmethod
    def load(self) -> tuple[NDArray[np.float32], Array]:
        """Return the features, one example a row, and the targets.

        Targets are the classes 0, 1, 2... (int64) or the values to predict (float64). Missing features are NaN.
        """
