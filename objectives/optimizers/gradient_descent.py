"""Plain gradient descent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from tuner.objectives.optimizers._optimizer import Optimizer, Rows

__all__ = ["GradientDescent"]


@final
@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Steps against the gradient, nothing else."""

    lr: float = 0.1
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, fused=True, lr=self.lr)

    @staticmethod
    def update(rows: Rows) -> None:
        rows.weights.addcmul_(rows.gradients, rows.columns["lr"], value=-1)
