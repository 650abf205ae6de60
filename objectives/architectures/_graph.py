"""A graph as architectures read it: the features of its nodes, and what messages pass along."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives.architectures._layers import ACTIVATIONS, Dropout, vector_normalisation
from tuner.objectives.architectures._sparse import SparseMatrix

_SPARSE = 0.1
"""Features of which no larger share differs from 0 are multiplied without their zeros."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """The edges for attention, a node's own among them, in the order of the nodes that they lead to.

    `sources` and `destinations` pick what is known of the nodes at the ends of each edge, (edges, nodes); `counts` is
    how many edges lead to each node, and `weights` are the edges', (edges, 1).
    """

    sources: SparseMatrix
    destinations: SparseMatrix
    counts: Tensor
    weights: Tensor


@final
class Graph:
    """Nodes with features, (nodes, features), and edges, (2, edges), from a source to a destination, with weights.

    Each edge is there once, and none leads from a node to itself: in every architecture a node hears itself.
    """

    def __init__(self, features: Tensor, edges: Tensor, weights: Tensor) -> None:
        self._edges = edges
        self._weights = weights
        self.features: Tensor | SparseMatrix = features
        if features.count_nonzero() <= _SPARSE * features.numel():
            rows, columns = features.nonzero(as_tuple=True)
            self.features = SparseMatrix.of(rows, columns, features[rows, columns], (len(features), features.shape[1]))
        self.num_nodes, self.num_features = features.shape

    @property
    def num_messages(self) -> int:
        """How many messages pass in a layer, a node's own among them."""
        return self._edges.shape[1] + self.num_nodes

    @cached_property
    def symmetric(self) -> SparseMatrix:
        """(A + I) divided by the roots of both nodes' degrees: Kipf & Welling 2017 (1609.02907), section 2.2."""
        (sources, destinations), weights = self._with_own
        degrees = torch.zeros_like(weights[: self.num_nodes]).index_add_(0, destinations, weights)
        values = weights / (degrees[sources] * degrees[destinations]).sqrt()
        return SparseMatrix.of(destinations, sources, values, (self.num_nodes, self.num_nodes))

    @cached_property
    def mean(self) -> SparseMatrix:
        """The mean of a node's neighbours, by the weights of their edges; 0 where it has none."""
        sources, destinations = self._edges
        degrees = self._weights.new_zeros(self.num_nodes).index_add_(0, destinations, self._weights)
        values = self._weights / degrees[destinations]
        return SparseMatrix.of(destinations, sources, values, (self.num_nodes, self.num_nodes))

    @cached_property
    def attention(self) -> Attention:
        """The edges with a node's own."""
        (sources, destinations), weights = self._with_own
        order = torch.argsort(destinations * self.num_nodes + sources)
        return Attention(
            sources=SparseMatrix.picking(sources[order], self.num_nodes),
            destinations=SparseMatrix.picking(destinations[order], self.num_nodes),
            counts=torch.bincount(destinations, minlength=self.num_nodes),
            weights=weights[order, None],
        )

    @property
    def _with_own(self) -> tuple[Tensor, Tensor]:
        own = torch.arange(self.num_nodes, device=self._edges.device).expand(2, -1)
        return torch.cat([self._edges, own], dim=1), torch.cat([self._weights, self._weights.new_ones(self.num_nodes)])


class GraphLayer(nn.Module):
    """A layer from the nodes of a graph, (nodes, features), to (nodes, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, nodes: Tensor | SparseMatrix, graph: Graph) -> Tensor:
        """Return what the nodes are, from what they and their neighbours were."""
        raise NotImplementedError

    def size(self, graph: Graph) -> int:
        """Return how many numbers it computes with at once."""
        return graph.num_nodes * self.width


@final
class GraphNetwork(nn.Module):
    """Layers one behind the other: from a graph to (nodes, outputs)."""

    def __init__(
        self, layers: list[GraphLayer], width: int, *, activation: str, normalisation: str, dropout: float
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.between = nn.ModuleList(
            nn.Sequential(vector_normalisation(normalisation, width), ACTIVATIONS[activation](), Dropout(dropout))
            for _ in layers[1:]
        )

    def size(self, graph: Graph) -> int:
        """Return how many numbers its largest layer computes with at once."""
        return max(layer.size(graph) for layer in self.modules() if isinstance(layer, GraphLayer))

    def forward(self, graph: Graph) -> Tensor:
        first, *others = self.layers
        nodes: Tensor = first(graph.features, graph)
        for between, layer in zip(self.between, others, strict=True):
            nodes = layer(between(nodes), graph)
        return nodes


def projection(features: int, width: int) -> nn.Parameter:
    """Return the weights (features, width) of a layer, drawn as the papers on graph networks do."""
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(features, width)))


def sizes(features: int, width: int, depth: int, outputs: int) -> list[tuple[int, int]]:
    """Return how many numbers of a node each of `depth` layers reads and answers."""
    ends = [features, *[width] * (depth - 1), outputs]
    return [*pairwise(ends)]
