"""Graph attention: a node learns which of its neighbours to listen to."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._graph import Attention, Graph, GraphLayer, GraphNetwork, projection, sizes
from tuner.objectives.architectures._sparse import SparseMatrix, largest_of_each

__all__ = ["GAT"]

_SLOPE = 0.2


@final
@dataclass(frozen=True)
class GAT(Architecture):
    """A graph attention network with `depth` layers: Velickovic et al. 2018 (arXiv 1710.10903), section 2.1.

    The hidden layers have `heads`, and the width is rounded up to a multiple of them; the last layer has one. An
    edge's weight multiplies its share of the attention.
    """

    inputs = frozenset({Input.GRAPH})

    width: int = 32
    depth: int = 2
    heads: int = 4
    activation: str = "relu"
    normalisation: str = "none"
    dropout: float = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        width = -(-self.width // self.heads) * self.heads
        *hidden, last = sizes(shape[0], width, self.depth, outputs)
        return GraphNetwork(
            [*(_AttentionLayer(*size, self.heads) for size in hidden), _AttentionLayer(*last, 1)],
            width,
            activation=self.activation,
            normalisation=self.normalisation,
            dropout=self.dropout,
        )


@final
class _AttentionLayer(GraphLayer):
    def __init__(self, features: int, width: int, heads: int) -> None:
        super().__init__(width)
        self._heads = heads
        self.weight = projection(features, width)
        # What a node says of itself as a source and as a destination, of each head.
        self.of_source = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width // heads)))
        self.of_destination = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width // heads)))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, nodes: Tensor | SparseMatrix, graph: Graph) -> Tensor:
        edges = graph.attention
        hidden = nodes @ self.weight
        shares = self._shares(hidden, edges)
        messages = self._by_head(edges.sources @ hidden) * shares[..., None]
        into = edges.destinations.T
        heard = self._by_head(into @ messages.flatten(-2))
        return (heard / (into @ shares)[..., None]).flatten(-2) + self.bias

    def size(self, graph: Graph) -> int:
        return graph.num_messages * self.width

    def _shares(self, hidden: Tensor, edges: Attention) -> Tensor:
        """Return each edge's attention, (edges, heads), which is to be divided by its sum over a node's edges."""
        by_head = self._by_head(hidden)
        of_source = edges.sources @ (by_head * self.of_source).sum(-1)
        of_destination = edges.destinations @ (by_head * self.of_destination).sum(-1)
        scores = functional.leaky_relu(of_source + of_destination, _SLOPE)
        largest = edges.destinations @ largest_of_each(scores, edges.counts)
        return edges.weights * (scores - largest).exp()

    def _by_head(self, tensor: Tensor) -> Tensor:
        return tensor.reshape(*tensor.shape[:-1], self._heads, -1)
