"""The size of the error: every unit counts the same."""

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn import functional

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["MeanAbsoluteError"]


@final
@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Absolute difference, in standard deviations of the training targets."""

    tasks = frozenset({Task.REGRESSION})

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.l1_loss(outputs[..., 0], targets, reduction="none")
