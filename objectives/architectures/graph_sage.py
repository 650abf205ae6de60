"""GraphSAGE: a node keeps what it is, beside the mean of its neighbours."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._graph import Graph, GraphLayer, GraphNetwork, projection, sizes
from tuner.objectives.architectures._sparse import SparseMatrix

__all__ = ["GraphSAGE"]


@final
@dataclass(frozen=True)
class GraphSAGE(Architecture):
    """GraphSAGE with `depth` layers that take the mean of all neighbours: Hamilton et al. 2017 (arXiv 1706.02216)."""

    inputs = frozenset({Input.GRAPH})

    width: int = 32
    depth: int = 2
    activation: str = "relu"
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        return GraphNetwork(
            [_MeanOfNeighbours(*size) for size in sizes(shape[0], self.width, self.depth, outputs)],
            self.width,
            activation=self.activation,
            normalisation=self.normalisation,
            dropout=self.dropout,
        )


@final
class _MeanOfNeighbours(GraphLayer):
    def __init__(self, features: int, width: int) -> None:
        super().__init__(width)
        self.own = projection(features, width)
        self.neighbours = projection(features, width)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, nodes: Tensor | SparseMatrix, graph: Graph) -> Tensor:
        return nodes @ self.own + graph.mean @ (nodes @ self.neighbours) + self.bias
