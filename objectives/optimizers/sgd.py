"""Gradient descent with momentum."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from tuner.objectives.optimizers._optimizer import Family, Optimizer, OptimizerBatch, Parameters, can_be_fused, flat

__all__ = ["SGD"]


@final
@dataclass(frozen=True)
class SGD(Optimizer):
    """Steps along a running sum of gradients; `nesterov` looks a step ahead where there is momentum."""

    memory: ClassVar[tuple[str, ...]] = ("momentum_buffer",)
    family: ClassVar[Family] = Family.GRADIENT

    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(
            parameters,
            fused=can_be_fused(parameters),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0,
            weight_decay=self.weight_decay,
        )
        if self.momentum > 0:  # torch's fused step fails where a parameter has its first gradient later than others
            for parameter in flat(parameters):
                if parameter.requires_grad:
                    optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        momentum, running = rows.columns["momentum"], rows.memory["momentum_buffer"]
        gradients = torch.addcmul(rows.gradients, rows.weights, rows.columns["weight_decay"])
        running.mul_(momentum).add_(gradients)
        ahead = torch.addcmul(gradients, running, momentum)
        steps = torch.where(rows.columns["nesterov"] > 0, ahead, running)
        rows.weights.addcmul_(steps, rows.columns["lr"], value=-1)
