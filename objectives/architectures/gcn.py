"""Graph convolutions: a node becomes a weighted mean of itself and its neighbours."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._graph import Graph, GraphLayer, GraphNetwork, projection, sizes
from tuner.objectives.architectures._sparse import SparseMatrix

__all__ = ["GCN"]


@final
@dataclass(frozen=True)
class GCN(Architecture):
    """A graph convolutional network with `depth` layers: Kipf & Welling 2017 (arXiv 1609.02907)."""

    inputs = frozenset({Input.GRAPH})

    width: int = 32
    depth: int = 2
    activation: str = "relu"
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        return GraphNetwork(
            [_Convolution(*size) for size in sizes(shape[0], self.width, self.depth, outputs)],
            self.width,
            activation=self.activation,
            normalisation=self.normalisation,
            dropout=self.dropout,
        )


@final
class _Convolution(GraphLayer):
    def __init__(self, features: int, width: int) -> None:
        super().__init__(width)
        self.weight = projection(features, width)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, nodes: Tensor | SparseMatrix, graph: Graph) -> Tensor:
        return graph.symmetric @ (nodes @ self.weight) + self.bias
