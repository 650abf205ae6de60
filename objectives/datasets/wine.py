"""178 wines described by 13 chemical measurements."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset

__all__ = ["Wine"]


@final
@dataclass(frozen=True)
class Wine(Dataset):
    """Which of three growers made a wine."""

    task = Task.CLASSIFICATION
    kind = Input.TABLE
    labels = ("class_0", "class_1", "class_2")

    def load(self) -> tuple[NDArray[np.float32], Array]:
        from sklearn.datasets import load_wine  # noqa: PLC0415  the driver asks for the task and never loads

        features, targets = load_wine(return_X_y=True)
        return features.astype(np.float32), targets.astype(np.int64)

    def columns(self) -> tuple[str, ...]:
        from sklearn.datasets import load_wine  # noqa: PLC0415  the driver asks for the task and never loads

        return tuple(map(str, load_wine().feature_names))
