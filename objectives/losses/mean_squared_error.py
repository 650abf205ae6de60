"""The square of the error: large errors count most."""

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn import functional

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["MeanSquaredError"]


@final
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Squared difference, in standard deviations of the training targets."""

    tasks = frozenset({Task.REGRESSION})

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.mse_loss(outputs[..., 0], targets, reduction="none")
