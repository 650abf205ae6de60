"""Gradients divided by their recent size (Tieleman and Hinton, 2012)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters

__all__ = ["RMSprop"]

_ALPHA = 0.99
_EPSILON = 1e-8


@final
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Scales each weight's step by a running mean of its squared gradients."""

    memory: ClassVar[tuple[str, ...]] = ("square_avg", "momentum_buffer")
    tallies: ClassVar[Mapping[str, float]] = MappingProxyType({"step": 0.0})

    lr: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        gradients = torch.addcmul(rows.gradients, rows.weights, rows.columns["weight_decay"])
        square, running = rows.memory["square_avg"], rows.memory["momentum_buffer"]
        rows.memory["step"].add_(1)
        square.mul_(_ALPHA).addcmul_(gradients, gradients, value=1 - _ALPHA)
        running.mul_(rows.columns["momentum"]).addcdiv_(gradients, square.sqrt().add_(_EPSILON))
        rows.weights.addcmul_(running, rows.columns["lr"], value=-1)
