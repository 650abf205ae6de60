"""Plain gradient descent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, can_be_fused

__all__ = ["GradientDescent"]


@final
@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Steps against the gradient, nothing else."""

    lr: float = 0.1
    clip: float = 0.0

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, fused=can_be_fused(parameters), lr=self.lr)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        rows.weights.addcmul_(rows.gradients, rows.columns["lr"], value=-1)
