"""Steps along orthogonal matrices (Jordan et al., 2024), as large as Adam's (Liu et al., 2025)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from tuner.objectives.optimizers._adam import MEMORY, TALLIES, adam_step
from tuner.objectives.optimizers._optimizer import Family, Optimizer, OptimizerBatch, Parameters, TensorKind
from tuner.objectives.optimizers._own_optimizer import OwnOptimizer

__all__ = ["Muon"]

_MATRIX = 2
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_EPSILON = 1e-7
_ADAM_EPSILON = 1e-8
_ADAM_SIZE = 0.2
"""The root mean square of Adam's usual step in units of its rate."""


@final
@dataclass(frozen=True)
class Muon(Optimizer):
    """The mean of a matrix's gradients with all singular values brought to about 1; `nesterov` looks a step ahead.

    A kernel of a convolution is a matrix of its outputs. Vectors, embeddings and what leads to the outputs of a model
    that tells them apart follow Adam with `beta1` and `beta2`, at the same rate. Weights shrink by `lr * weight_decay`.
    """

    memory: ClassVar[tuple[str, ...]] = MEMORY
    tallies: ClassVar[Mapping[str, float]] = TALLIES
    family: ClassVar[Family] = Family.ORTHOGONAL
    decoupled: ClassVar[bool] = True

    lr: float = 2e-3
    momentum: float = 0.95
    nesterov: bool = True
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 1e-2
    clip: float = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        defaults = {
            "lr": self.lr,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "betas": (self.beta1, self.beta2),
            "weight_decay": self.weight_decay,
        }
        return _Muon(parameters, defaults)

    @staticmethod
    def update(rows: OptimizerBatch) -> None:
        columns = rows.columns
        before = rows.memory["exp_avg"].clone()
        rows.weights.mul_(1 - columns["lr"] * columns["weight_decay"])
        matrices = [part for part in rows.parts if part.kind is TensorKind.HIDDEN]
        kept = [rows.weights[:, part.here].clone() for part in matrices]
        adam_step(rows, rows.gradients)
        for part, weights in zip(matrices, kept, strict=True):
            here = part.here
            gradients = rows.gradients[:, here]
            mean = torch.lerp(before[:, here], gradients, 1 - columns["momentum"])
            ahead = torch.where(columns["nesterov"] > 0, torch.lerp(gradients, mean, columns["momentum"]), mean)
            steps = orthogonal(ahead.view(-1, part.shape[0], ahead.shape[1] // part.shape[0])).flatten(1)
            lr = columns["lr"] if rows.scale is None else columns["lr"][:, here]
            rows.weights[:, here] = weights - steps * lr
            rows.memory["exp_avg"][:, here] = mean
            rows.memory["exp_avg_sq"][:, here] = 0


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices (..., rows, columns) with singular values of about 1, times what makes them as large as Adam's.

    By Newton and Schulz's iteration, in 32 bits whatever a forward pass has.
    """
    long = matrices.shape[-2] > matrices.shape[-1]
    found = matrices.transpose(-2, -1) if long else matrices
    found = found / (torch.linalg.matrix_norm(found, keepdim=True) + _EPSILON)
    first, second, third = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = found @ found.transpose(-2, -1)
        found = first * found + (second * square + third * square @ square) @ found
    size = _ADAM_SIZE * math.sqrt(max(matrices.shape[-2:]))
    steps: Tensor = size * (found.transpose(-2, -1) if long else found)
    return steps


@final
class _Muon(OwnOptimizer):
    """The optimizer of one trial: torch's own takes matrices alone."""

    rule = "muon"

    def step_one(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        is_matrix = parameter.dim() >= _MATRIX and not parameter.is_complex()
        if is_matrix and group.get("kind", TensorKind.HIDDEN.value) == TensorKind.HIDDEN.value:
            mean = state["exp_avg"].lerp_(gradient, 1 - group["momentum"])
            ahead = torch.lerp(gradient, mean, group["momentum"]) if group["nesterov"] else mean
            parameter.sub_(orthogonal(ahead.flatten(1)).view_as(parameter), alpha=group["lr"])
        else:
            _adam(parameter, gradient, state, group)


def _adam(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    (beta1, beta2), step = group["betas"], float(state["step"])
    given = (parameter, gradient, state["exp_avg"], state["exp_avg_sq"])
    weights, found, mean, square = (torch.view_as_real(each) if each.is_complex() else each for each in given)
    mean.lerp_(found, 1 - beta1)
    square.mul_(beta2).addcmul_(found, found, value=1 - beta2)
    root = (square.sqrt() / (1 - beta2**step) ** 0.5).add_(_ADAM_EPSILON)
    weights.addcdiv_(mean, root, value=-group["lr"] / (1 - beta1**step))
