"""Self-attention over the steps of a sequence, the rows of an image or the columns of a table."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._attention import SelfAttention
from tuner.objectives.architectures._layers import ACTIVATIONS, Dropout, as_sequence

__all__ = ["Transformer"]


@final
@dataclass(frozen=True)
class Transformer(Architecture):
    """An encoder with learned positions, normalised before each block, averaged over its tokens at the end.

    `width` is rounded up to a multiple of `heads`. It always normalises by layer: without, it does not train.
    """

    inputs = frozenset({Input.IMAGE, Input.SEQUENCE, Input.TABLE})

    width: int = 32
    depth: int = 2
    heads: int = 2
    activation: str = "gelu"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        width = -(-self.width // self.heads) * self.heads
        blocks = [block for _ in range(self.depth) for block in self._blocks(width)]
        return nn.Sequential(_tokens(shape, width), *blocks, nn.LayerNorm(width), _Mean(), nn.Linear(width, outputs))

    def _blocks(self, width: int) -> list[nn.Module]:
        feed_forward = nn.Sequential(
            nn.Linear(width, 2 * width), ACTIVATIONS[self.activation](), nn.Linear(2 * width, width)
        )
        return [
            _Residual(width, SelfAttention(width, self.heads), self.dropout),
            _Residual(width, feed_forward, self.dropout),
        ]


def _tokens(shape: tuple[int, ...], width: int) -> nn.Module:
    if len(shape) == 1:
        return _ColumnTokens(shape[0], width)
    start, steps, features = as_sequence(shape)
    return nn.Sequential(start, nn.Linear(features, width), _Positions(steps, width))


class _ColumnTokens(nn.Module):
    """Each column has a vector of its own, scaled by its value (Gorishniy et al., 2021)."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(columns, width) / width**0.5)
        self.shift = nn.Parameter(torch.randn(columns, width) / width**0.5)

    def forward(self, table: Tensor) -> Tensor:
        return table[..., None] * self.scale + self.shift


class _Positions(nn.Module):
    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(steps, width) * 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.positions


class _Residual(nn.Module):
    def __init__(self, width: int, block: nn.Module, dropout: float) -> None:
        super().__init__()
        self.normalisation = nn.LayerNorm(width)
        self.block = block
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        added: Tensor = self.dropout(self.block(self.normalisation(tokens)))
        return tokens + added


class _Mean(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)
