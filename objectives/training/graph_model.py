"""A graph network as a model of examples: it is given numbers of nodes or graphs, and computes the whole graph."""

from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.objectives.architectures._graph import Graph, GraphNetwork
from tuner.objectives.architectures._sparse import SparseMatrix
from tuner.objectives.datasets._dataset import Array

_CACHED = 250_000
"""How many numbers several models may compute with side by side and still be faster than in turn, on a CPU."""


@final
class PooledGraph:
    """A graph on a device, and what makes one answer of all nodes of each graph in it: their mean.

    It holds tensors and is no module: no model has it in its state, and all models have the same.
    """

    def __init__(self, graph: Graph, pooling: SparseMatrix | None) -> None:
        self.graph = graph
        self.pooling = pooling

    @staticmethod
    def of(
        features: Array, edges: Array, weights: Array, membership: Array | None = None, *, device: str = "cpu"
    ) -> "PooledGraph":
        """Return the graph with these features, (nodes, features) in 32 bits, and edges as `GraphData` has them."""

        def placed(array: Array) -> Tensor:
            return torch.from_numpy(array).to(device)

        graph = Graph(placed(features), placed(edges), placed(weights))
        if membership is None:
            return PooledGraph(graph, None)
        of_node = placed(membership)
        counts = torch.bincount(of_node)
        nodes = torch.arange(len(of_node), device=of_node.device)
        shares = 1 / counts[of_node].float()
        return PooledGraph(graph, SparseMatrix.of(of_node, nodes, shares, (len(counts), len(of_node))))


@final
class GraphModel(nn.Module):
    """From numbers of examples, (batch,), to (batch, outputs).

    A graph's answer is the mean of its nodes' answers, which is the answer of the last layer to their mean.
    """

    def __init__(self, network: nn.Module, pooled: PooledGraph) -> None:
        super().__init__()
        self.network = network
        self.pooled = pooled

    @property
    def keeps_busy(self) -> bool:
        """Whether one model computes with so much at once that several side by side leave a processor's cache."""
        return isinstance(self.network, GraphNetwork) and self.network.size(self.pooled.graph) > _CACHED

    def forward(self, numbers: Tensor) -> Tensor:
        outputs: Any = self.network(self.pooled.graph)
        if self.pooled.pooling is not None:
            outputs = self.pooled.pooling @ outputs
        found: Tensor = outputs.index_select(0, numbers)
        return found
