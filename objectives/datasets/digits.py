"""1797 handwritten digits of 8 x 8 grey pixels (UCI)."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset

__all__ = ["Digits"]


@final
@dataclass(frozen=True)
class Digits(Dataset):
    """Which digit is on the picture."""

    task = Task.CLASSIFICATION
    kind = Input.IMAGE
    labels = tuple(range(10))

    def load(self) -> tuple[NDArray[np.float32], Array]:
        from sklearn.datasets import load_digits  # noqa: PLC0415  the driver asks for the task and never loads

        features, targets = load_digits(return_X_y=True)
        return features.reshape(-1, 1, 8, 8).astype(np.float32), targets.astype(np.int64)
