"""Squared for small errors, absolute for large ones (Huber, 1964)."""

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn import functional

from objectives._tasks import Task
from objectives.losses._loss import Loss

__all__ = ["Huber"]


@final
@dataclass(frozen=True)
class Huber(Loss):
    """Quadratic up to `delta` standard deviations of the training targets, linear beyond."""

    tasks = frozenset({Task.REGRESSION})

    delta: float = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.huber_loss(outputs[..., 0], targets, reduction="none", delta=self.delta)
