"""Convolutions that halve the input at each layer; over images, or along a sequence."""

import math
from dataclasses import dataclass
from typing import final

from torch import Tensor, nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._layers import ACTIVATIONS, Dropout

__all__ = ["CNN"]

_CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d}
_POOLS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
_BATCH_NORMALISATIONS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


@final
@dataclass(frozen=True)
class CNN(Architecture):
    """A convolutional network: `channels` in the first layer, twice as many in each that follows."""

    inputs = frozenset({Input.IMAGE, Input.SEQUENCE})

    channels: int = 16
    depth: int = 2
    kernel: int = 3
    activation: str = "relu"
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        is_image = len(shape) == 3  # noqa: PLR2004  channels, height, width
        # A sequence's features are its channels, which torch wants first.
        start = nn.Identity() if is_image else _Transpose()
        features, *size = shape if is_image else reversed(shape)
        layers: list[nn.Module] = []
        for channels in (self.channels * 2**layer for layer in range(self.depth)):
            halves = min(size) > 1
            layers += self._layer(len(size), features, channels, halves=halves)
            size = [length // 2 for length in size] if halves else size
            features = channels
        head = nn.Linear(features * math.prod(size), outputs)
        return nn.Sequential(start, *layers, nn.Flatten(), Dropout(self.dropout), head)

    def _layer(self, dimensions: int, features: int, channels: int, *, halves: bool) -> list[nn.Module]:
        return [
            _CONVOLUTIONS[dimensions](features, channels, self.kernel, padding="same"),
            self._normalisation(dimensions, channels),
            ACTIVATIONS[self.activation](),
            _POOLS[dimensions](2) if halves else nn.Identity(),
        ]

    def _normalisation(self, dimensions: int, channels: int) -> nn.Module:
        if self.normalisation == "none":
            return nn.Identity()
        if self.normalisation == "batch":
            return _BATCH_NORMALISATIONS[dimensions](channels)
        return nn.GroupNorm(1, channels)


class _Transpose(nn.Module):
    def forward(self, sequence: Tensor) -> Tensor:
        return sequence.transpose(1, 2)
