"""The port of a dataset that is a graph, or many, and what it loads."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array, Features, Label


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class GraphData:
    """Nodes with features, (nodes, features), joined by edges, and the targets of the examples that have one.

    `edges`, (2, edges), are the numbers of a source and a destination, each pair once and no node with itself; an
    undirected edge is there in both directions. `weights`, (edges,), are above 0.

    An example is a node; where `membership`, (nodes,), says which graph each node belongs to, an example is a graph.
    `targets` are classes 0, 1, 2... (int64) or values (float64) of the examples with the numbers `labelled`.
    """

    features: Features
    edges: NDArray[np.int64]
    weights: NDArray[np.float32]
    targets: Array
    labelled: NDArray[np.int64]
    membership: NDArray[np.int64] | None = None

    @property
    def num_examples(self) -> int:
        """How many nodes or graphs there are, with a target or without one."""
        return len(self.features) if self.membership is None else int(self.membership.max()) + 1


class GraphDataset(ABC):
    """Examples in a graph, or that are graphs; making one loads nothing."""

    task: Task
    labels: tuple[Label, ...] | None = None
    """A classifier's classes by their number, as people call them; None for regression."""

    @abstractmethod
    def load(self) -> GraphData:
        """Return the graph, the same every time."""


def joined(
    edges: NDArray[np.int64], weights: NDArray[np.float32], nodes: int, *, directed: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return edges and weights as `GraphData` has them, of edges in any order.

    An edge that is there several times counts once, with its largest weight; a node's edge to itself is left out.
    """
    if not directed:
        edges, weights = np.concatenate([edges, edges[::-1]], axis=1), np.concatenate([weights, weights])
    kept = edges[0] != edges[1]
    edges, weights = edges[:, kept], weights[kept]
    keys, places = np.unique(edges[1] * nodes + edges[0], return_inverse=True)
    largest = np.zeros(len(keys), dtype=np.float32)
    np.maximum.at(largest, places, weights)
    return np.stack([keys % nodes, keys // nodes]), largest
