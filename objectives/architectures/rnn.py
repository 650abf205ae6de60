"""Recurrent layers along a sequence; an image is read row by row."""

from dataclasses import dataclass
from typing import final

from torch import Tensor, nn

from objectives._tasks import Input
from objectives.architectures._architecture import Architecture
from objectives.architectures._layers import as_sequence, vector_normalisation

__all__ = ["RNN"]

_CELLS: dict[str, type[nn.GRU | nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}


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
        # torch drops out between layers alone, and warns where there is no "between".
        between = self.dropout if self.depth > 1 else 0.0
        layers = _CELLS[self.cell](features, self.width, self.depth, batch_first=True, dropout=between)
        return nn.Sequential(
            start,
            _LastStep(layers),
            vector_normalisation(self.normalisation, self.width),
            nn.Dropout(self.dropout),
            nn.Linear(self.width, outputs),
        )


class _LastStep(nn.Module):
    def __init__(self, layers: nn.GRU | nn.LSTM) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, sequence: Tensor) -> Tensor:
        states: Tensor = self.layers(sequence)[0]
        return states[:, -1]
