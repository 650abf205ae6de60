"""Fully connected layers of equal width; reads anything."""

import math
from dataclasses import dataclass
from typing import final

from torch import nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._layers import ACTIVATIONS, Dropout, vector_normalisation

__all__ = ["MLP"]


@final
@dataclass(frozen=True)
class MLP(Architecture):
    """A multilayer perceptron with `depth` hidden layers."""

    inputs = frozenset({Input.IMAGE, Input.SEQUENCE, Input.TABLE})

    width: int = 64
    depth: int = 2
    activation: str = "relu"
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        sizes = [math.prod(shape), *[self.width] * self.depth]
        layers = [layer for size in sizes[:-1] for layer in self._hidden(size)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], outputs))

    def _hidden(self, size: int) -> list[nn.Module]:
        return [
            nn.Linear(size, self.width),
            vector_normalisation(self.normalisation, self.width),
            ACTIVATIONS[self.activation](),
            Dropout(self.dropout),
        ]
