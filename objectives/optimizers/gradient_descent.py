"""Plain gradient descent."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._optimizer import Family, Optimizer, OptimizerBatch, Parameters, can_be_fused

__all__ = ["GradientDescent"]


@final
@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Steps against the gradient, nothing else."""

    family: ClassVar[Family] = Family.GRADIENT

    lr: float = 0.1
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, fused=can_be_fused(parameters), lr=self.lr)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        rows.weights.addcmul_(rows.gradients, rows.columns["lr"], value=-1)
