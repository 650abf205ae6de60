"""Layers of networks for tables, whose weights are stored so that one learning rate suits all of them.

Adaptive optimizers move each stored number by about the learning rate, so what a stored number is multiplied with is
what its own rate is multiplied with. The factors are those of RealMLP (D. Holzmüller et al., Better by Default, 2024),
by which its embeddings of numbers have a factor of 1.
"""

import math
from collections.abc import Callable, Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

_SCALE_RATE = 60.0
_WEIGHT_RATE = 10.0


@final
class ColumnScale(nn.Module):
    """Multiplies each column, (..., columns), with a learnt factor, at first 1: a soft choice of columns."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((columns,), 1 / _SCALE_RATE))

    def forward(self, rows: Tensor) -> Tensor:
        return scaled_columns(rows, self.weight)


def scaled_columns(rows: Tensor, weight: Tensor) -> Tensor:
    """Return rows, (..., columns), times what `ColumnScale` has stored, (columns,)."""
    return rows * (_SCALE_RATE * weight)


@final
class ScaledLinear(nn.Module):
    """A linear layer whose weights begin with a deviation of 1 and are divided by the root of the inputs.

    Its biases begin spread out, as far as the inputs are, so that the units of a first layer bend in different places.
    """

    def __init__(self, inputs: int, outputs: int, *, is_last: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / _WEIGHT_RATE)
        spread = 0.0 if is_last else 1.0
        self.bias = nn.Parameter(spread * torch.randn(outputs))

    def forward(self, rows: Tensor) -> Tensor:
        return torch.addmm(self.bias, rows, self.weight.mT, alpha=scale_of(self.weight))


def scale_of(weight: Tensor) -> float:
    """Return what `ScaledLinear` multiplies the weights with that it has stored, (..., outputs, inputs)."""
    return _WEIGHT_RATE / math.sqrt(weight.shape[-1])


@final
class BlendedActivation(nn.Module):
    """An activation of which each unit has a learnt share, at first all of it; the rest of the unit stays linear."""

    def __init__(self, name: str, units: int) -> None:
        super().__init__()
        self.name = name
        self.share = nn.Parameter(torch.ones(units))

    def forward(self, rows: Tensor) -> Tensor:
        return blended(self.name, rows, self.share)


def blended(name: str, rows: Tensor, share: Tensor) -> Tensor:
    """Return rows, (..., units), of which each unit has this share of the activation, (units,) or as many rows."""
    return torch.lerp(rows, _ACTIVATIONS[name](rows), share)


_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "mish": functional.mish,
    "selu": functional.selu,
}
