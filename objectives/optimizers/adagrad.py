"""Steps that shrink as gradients add up (Duchi et al., 2011)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters

__all__ = ["Adagrad"]

_EPSILON = 1e-10


@final
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Scales each weight's step by the sum of all its squared gradients."""

    memory: ClassVar[tuple[str, ...]] = ("sum",)
    tallies: ClassVar[Mapping[str, float]] = MappingProxyType({"step": 0.0})

    lr: float = 1e-2
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(parameters, lr=self.lr, weight_decay=self.weight_decay)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        gradients = torch.addcmul(rows.gradients, rows.weights, rows.columns["weight_decay"])
        rows.memory["step"].add_(1)
        total = rows.memory["sum"].addcmul_(gradients, gradients)
        rows.weights.addcdiv_(gradients * -rows.columns["lr"], total.sqrt().add_(_EPSILON))
