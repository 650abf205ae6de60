"""The structure of a graph from files: its nodes, edges and graphs, before their values are read."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives.graphs._graph_dataset import joined

DEGREE = "degree"
"""The only feature of nodes that have none: the logarithm of 1 and the weights of the edges that lead to them."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """Nodes and examples as rows of tables, and edges by the numbers of nodes.

    `nodes` are the columns that may be features, `files` where they and the examples come from, `examples` the table
    in which a target may be, and `names` what the examples are called.
    """

    nodes: Any
    examples: Any
    names: Any
    files: tuple[Path, Path]
    joined: "Joined"
    membership: NDArray[np.int64] | None
    notes: tuple[str, ...] = ()

    @cached_property
    def degrees(self) -> NDArray[np.float64]:
        """The feature of nodes that have none."""
        return np.log1p(np.bincount(self.joined.edges[1], self.joined.weights, minlength=len(self.nodes)))

    def features_among(self, names: tuple[str, ...]) -> Any:
        """Return the nodes with these columns; raises `ConfigurationError` where there is not one of them."""
        frame = self.nodes.assign(**{DEGREE: self.degrees}) if names == (DEGREE,) else self.nodes
        absent = [name for name in names if name not in frame.columns]
        if absent:
            raise ConfigurationError(f"{self.files[0]}: nodes have no column {', '.join(map(repr, absent[:5]))}")
        return frame[list(names)]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Joined:
    """Edges and weights as `GraphData` has them, and what was left out."""

    edges: NDArray[np.int64]
    weights: NDArray[np.float32]
    notes: tuple[str, ...]


def joined_ends(ends: NDArray[np.int64], weights: NDArray[np.float32] | None, nodes: int, *, directed: bool) -> Joined:
    """Return edges that are given by the numbers of their ends, (2, edges), in any order."""
    given = np.ones(ends.shape[1], dtype=np.float32) if weights is None else weights
    edges, largest = joined(ends, given, nodes, directed=directed)
    to_others = int((ends[0] != ends[1]).sum())
    said = (
        (ends.shape[1] - to_others, "edges from a node to itself are left out, since every node hears itself"),
        (
            to_others - edges.shape[1] // (1 if directed else 2),
            "edges are there again: of each the one with the largest weight counts",
        ),
        (nodes - len(np.unique(edges)), "nodes have no edge"),
    )
    return Joined(edges=edges, weights=largest, notes=tuple(f"{count:,} {what}" for count, what in said if count))


def numbered(count: int, name: str) -> Any:
    """Return the numbers from 0 as a Series of this name, for what has no names."""
    return pd.Series(np.arange(count), name=name)
