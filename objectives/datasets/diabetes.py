"""442 diabetes patients described by 10 measurements."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset

__all__ = ["Diabetes"]


@final
@dataclass(frozen=True)
class Diabetes(Dataset):
    """How far the disease goes in a year."""

    task = Task.REGRESSION
    kind = Input.TABLE

    def load(self) -> tuple[NDArray[np.float32], Array]:
        from sklearn.datasets import load_diabetes  # noqa: PLC0415  the driver asks for the task and never loads

        features, targets = load_diabetes(return_X_y=True)
        return features.astype(np.float32), targets.astype(np.float64)

    def columns(self) -> tuple[str, ...]:
        from sklearn.datasets import load_diabetes  # noqa: PLC0415  the driver asks for the task and never loads

        return tuple(map(str, load_diabetes().feature_names))
