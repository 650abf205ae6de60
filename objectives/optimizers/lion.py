"""Steps by the sign of a mean of gradients (Chen et al., 2023)."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch, Parameters
from tuner.objectives.optimizers._own_optimizer import OwnOptimizer

__all__ = ["Lion"]


@final
@dataclass(frozen=True)
class Lion(Optimizer):
    """Each weight's step is as large as the rate; `beta1` weighs the past in a step, `beta2` in what is remembered.

    Weights shrink by `lr * weight_decay` a step. Good rates are a third to a tenth of Adam's.
    """

    memory: ClassVar[tuple[str, ...]] = ("exp_avg",)
    decoupled: ClassVar[bool] = True

    lr: float = 3e-4
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 1e-2
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return _Lion(parameters, {"lr": self.lr, "betas": (self.beta1, self.beta2), "weight_decay": self.weight_decay})

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        mean, columns = rows.memory["exp_avg"], rows.columns
        rows.weights.mul_(1 - columns["lr"] * columns["weight_decay"])
        sign = torch.lerp(mean, rows.gradients, 1 - columns["beta1"]).sign_()
        rows.weights.addcmul_(sign, columns["lr"], value=-1)
        mean.lerp_(rows.gradients, 1 - columns["beta2"])


@final
class _Lion(OwnOptimizer):
    """The optimizer of one trial, which torch lacks."""

    rule = "lion"

    def step_one(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
        mean = state["exp_avg"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parts = (torch.view_as_real(each) if each.is_complex() else each for each in (parameter, mean, gradient))
        weights, past, now = parts
        weights.add_(torch.lerp(past, now, 1 - beta1).sign_(), alpha=-group["lr"])
        past.lerp_(now, 1 - beta2)
