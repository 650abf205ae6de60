"""Waves of a number, whose lengths are learnt with the model."""

from dataclasses import dataclass
from typing import final

from torch import nn

from tuner.objectives.architectures._layers import Periodic
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._number_encoding import NumberEncoding

__all__ = ["PeriodicEncoding"]


@final
@dataclass(frozen=True)
class PeriodicEncoding(NumberEncoding):
    """Cosines of `waves` learnt frequencies and phases, and of them `outputs` numbers for each.

    PBLD of D. Holzmüller et al., Better by Default (2024), after Y. Gorishniy et al., 2022: the frequencies begin as
    normal numbers times `spread`.
    """

    waves: int = 16
    outputs: int = 3
    spread: float = 0.1

    def layer(self, numbers: int, train: Array | None) -> nn.Module | None:
        del train
        return Periodic(numbers, self.waves, self.outputs, self.spread) if numbers else None

    def width(self, numbers: int) -> int:
        return numbers * self.outputs
