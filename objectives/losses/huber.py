"""Squared for small errors, absolute for large ones (Huber, 1964)."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["Huber"]


@final
@dataclass(frozen=True)
class Huber(Loss):
    """Quadratic up to `delta` standard deviations of the training targets, linear beyond."""

    tasks = frozenset({Task.REGRESSION})

    delta: float = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        error = (outputs[..., 0] - targets).abs()
        return torch.where(error <= self.delta, error.square() / 2, self.delta * (error - self.delta / 2))
