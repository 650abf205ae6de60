"""Fully connected layers for tables, initialised and scaled as RealMLP; reads tables."""

from dataclasses import dataclass
from typing import final

from torch import nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._layers import Dropout
from tuner.objectives.architectures._tabular import BlendedActivation, ColumnScale, ScaledLinear

__all__ = ["RealMLP"]


@final
@dataclass(frozen=True)
class RealMLP(Architecture):
    """RealMLP (D. Holzmüller et al., Better by Default, 2024) with `depth` hidden layers, behind embedded numbers."""

    inputs = frozenset({Input.TABLE})

    width: int = 128
    depth: int = 3
    activation: str = "mish"
    dropout: float = 0.15

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        sizes = [shape[0], *[self.width] * self.depth]
        layers = [layer for size in sizes[:-1] for layer in self._hidden(size)]
        return nn.Sequential(ColumnScale(shape[0]), *layers, ScaledLinear(sizes[-1], outputs, is_last=True))

    def _hidden(self, size: int) -> list[nn.Module]:
        return [
            ScaledLinear(size, self.width),
            BlendedActivation(self.activation, self.width),
            Dropout(self.dropout),
        ]
