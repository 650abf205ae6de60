"""150 irises described by 4 measurements."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset

__all__ = ["Iris"]


@final
@dataclass(frozen=True)
class Iris(Dataset):
    """Which of three species an iris is."""

    task = Task.CLASSIFICATION
    kind = Input.TABLE
    labels = ("setosa", "versicolor", "virginica")

    def load(self) -> tuple[NDArray[np.float32], Array]:
        from sklearn.datasets import load_iris  # noqa: PLC0415  the driver asks for the task and never loads

        features, targets = load_iris(return_X_y=True)
        return features.astype(np.float32), targets.astype(np.int64)

    def columns(self) -> tuple[str, ...]:
        from sklearn.datasets import load_iris  # noqa: PLC0415  the driver asks for the task and never loads

        return tuple(map(str, load_iris().feature_names))
