"""The step that Adam and AdamW share."""

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from tuner.objectives.optimizers._optimizer import OptimizerBatch

MEMORY = ("exp_avg", "exp_avg_sq")
TALLIES: Mapping[str, float] = MappingProxyType({"step": 0.0})
_EPSILON = 1e-8


def moments(rows: OptimizerBatch, gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bring the moments up to date; return the step's number, the mean and the root of the unbiased square."""
    numbers, mean, square = rows.numbers, rows.memory["exp_avg"], rows.memory["exp_avg_sq"]
    step = rows.memory["step"].add_(1)
    mean.lerp_(gradients, 1 - rows.columns["beta1"])
    square.mul_(rows.columns["beta2"]).addcmul_(gradients, gradients * (1 - rows.columns["beta2"]))
    correction = (1 - numbers["beta2"] ** step).sqrt().to(square.dtype)
    return step, mean, square.sqrt().div_(correction).add_(_EPSILON)


def adam_step(rows: OptimizerBatch, gradients: Tensor) -> None:
    """Step against the mean of the gradients, scaled by their recent size."""
    step, mean, root = moments(rows, gradients)
    size = rows.numbers["lr"] / (1 - rows.numbers["beta1"] ** step)
    rows.weights.addcdiv_(mean * -rows.scaled(size.to(mean.dtype)), root)
