"""Recurrent layers along a sequence; an image is read row by row."""

from dataclasses import dataclass
from typing import final

from torch import nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._layers import Dropout, as_sequence, vector_normalisation
from tuner.objectives.architectures._recurrence import Recurrence

__all__ = ["RNN"]


@final
@dataclass(frozen=True)
class RNN(Architecture):
    """A recurrent network whose answer is read from the state after the last step."""

    inputs = frozenset({Input.IMAGE, Input.SEQUENCE})

    cell: str = "gru"
    width: int = 64
    depth: int = 1
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        start, _, features = as_sequence(shape)
        return nn.Sequential(
            start,
            Recurrence(self.cell, features, self.width, self.depth, self.dropout),
            vector_normalisation(self.normalisation, self.width),
            Dropout(self.dropout),
            nn.Linear(self.width, outputs),
        )
