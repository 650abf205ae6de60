"""569 tumours described by 30 measurements (Wisconsin)."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset

__all__ = ["BreastCancer"]


@final
@dataclass(frozen=True)
class BreastCancer(Dataset):
    """Whether a tumour is benign."""

    task = Task.CLASSIFICATION
    kind = Input.TABLE
    labels = ("malignant", "benign")

    def load(self) -> tuple[NDArray[np.float32], Array]:
        from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  the driver asks for the task and never loads

        features, targets = load_breast_cancer(return_X_y=True)
        return features.astype(np.float32), targets.astype(np.int64)

    def columns(self) -> tuple[str, ...]:
        from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  the driver asks for the task and never loads

        return tuple(map(str, load_breast_cancer().feature_names))
