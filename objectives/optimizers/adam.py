"""Adaptive moments (Kingma and Ba, 2015)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._adam import MEMORY, TALLIES, adam_step
from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters, can_be_fused

__all__ = ["Adam"]


@final
@dataclass(frozen=True)
class Adam(Optimizer):
    """Scales each weight's step by its gradients' recent size; `weight_decay` is part of the gradient."""

    memory: ClassVar[tuple[str, ...]] = MEMORY
    tallies: ClassVar[Mapping[str, float]] = TALLIES

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters,
            fused=can_be_fused(parameters),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
        )

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        adam_step(rows, torch.addcmul(rows.gradients, rows.weights, rows.columns["weight_decay"]))
