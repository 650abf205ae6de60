"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._adam import MEMORY, TALLIES, adam_step
from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters, can_be_fused

__all__ = ["AdamW"]


@final
@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam whose weights shrink by `lr * weight_decay` a step, whatever their gradients."""

    memory: ClassVar[tuple[str, ...]] = MEMORY
    tallies: ClassVar[Mapping[str, float]] = TALLIES
    decoupled: ClassVar[bool] = True

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 1e-2
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters,
            fused=can_be_fused(parameters),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
        )

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        rows.weights.mul_(1 - rows.columns["lr"] * rows.columns["weight_decay"])
        adam_step(rows, rows.gradients)
