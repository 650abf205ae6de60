"""Adam that looks a step ahead (Dozat, 2016)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._adam import MEMORY, TALLIES, moments
from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters

__all__ = ["NAdam"]

_DECAY = 4e-3
"""How fast the momentum comes to its full size: torch's default."""


@final
@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum."""

    memory: ClassVar[tuple[str, ...]] = MEMORY
    tallies: ClassVar[Mapping[str, float]] = MappingProxyType({**TALLIES, "mu_product": 1.0})

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.NAdam(parameters, lr=self.lr, betas=(self.beta1, self.beta2), weight_decay=self.weight_decay)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        gradients = torch.addcmul(rows.gradients, rows.weights, rows.columns["weight_decay"])
        step, mean, root = moments(rows, gradients)
        lr, beta1, product = rows.numbers["lr"], rows.numbers["beta1"], rows.memory["mu_product"]
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (each * _DECAY)) for each in (step, step + 1))
        product.mul_(now)
        of_gradients = -lr * (1 - now) / (1 - product)
        of_mean = -lr * ahead / (1 - product * ahead)
        rows.weights.addcdiv_(gradients * rows.scaled(of_gradients.to(root.dtype)), root)
        rows.weights.addcdiv_(mean * rows.scaled(of_mean.to(root.dtype)), root)
