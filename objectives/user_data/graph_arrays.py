"""Graphs from a `.npz` file: `edges`, and as far as there are any `x`, `y`, `weights` and `graph`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.user_data.arrays import read_arrays, words_of
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.graph_structure import Structure, joined_ends, numbered
from tuner.objectives.user_data.size_limits import MOST_COLUMNS

TARGET = "y"
"""What the array of targets is called."""

UNLABELLED = -1
"""Stands in an array of whole numbers for no class."""

_ARRAYS = ("x", TARGET, "edges", "weights", "graph")
_UNSUSPECTED = 1_000_000
_MOST_PER_EDGE = 100
"""Where only edges say how many nodes there are: no more for each end of an edge, unless they are unsuspected."""

_WANTED = "np.savez(path, x=features, y=targets, edges=np.stack([sources, destinations]))"
_TABLE = 2


def read_graph_arrays(path: Path, options: GraphOptions) -> Structure:
    """Return the graph in a `.npz` file.

    `x` is (nodes, features), `edges` (2, edges) numbers of nodes from 0, `weights` (edges,), `graph` (nodes,) numbers
    of graphs from 0, and `y` a target for each node, or for each graph where there are several: what is NaN, empty or,
    of whole numbers, -1, has none. Raises `ConfigurationError` with what is wrong.
    """
    found = read_arrays(path, _ARRAYS)
    edges = _whole(path, "edges", found.get("edges"))
    if edges.ndim != _TABLE or len(edges) != 2:  # noqa: PLR2004 - a source and a destination
        raise ConfigurationError(f"{path}: edges have the shape {edges.shape}, not (2, edges)", hint=_WANTED)
    membership = None if "graph" not in found else _whole(path, "graph", found["graph"])
    nodes = _num_nodes(path, found, edges, membership)
    _check_numbers(path, "edges", edges, nodes, "nodes")
    features = _features(path, found.get("x"), nodes)
    if membership is not None:
        _check_membership(path, membership, edges, nodes)
    examples = nodes if membership is None else int(membership.max()) + 1
    weights = _weights(path, found.get("weights"), edges.shape[1])
    joined = joined_ends(edges, weights, nodes, directed=options.directed)
    return Structure(
        nodes=features,
        examples=_answers(path, found.get(TARGET), examples),
        names=numbered(examples, "node" if membership is None else "graph"),
        files=(path, path),
        joined=joined,
        membership=membership,
        notes=joined.notes,
    )


def _whole(path: Path, name: str, array: Array | None) -> NDArray[np.int64]:
    if array is None:
        raise ConfigurationError(f"{path}: has no array {name!r}", hint=f"write it as {_WANTED}")
    if not array.size:
        raise ConfigurationError(f"{path}: {name} is empty, and a graph has an edge or more", hint=_WANTED)
    if array.dtype.kind not in "iu":
        raise ConfigurationError(f"{path}: {name} has values of {array.dtype}, not whole numbers", hint=_WANTED)
    return array.astype(np.int64)


def _num_nodes(
    path: Path, found: Mapping[str, Array], edges: NDArray[np.int64], membership: NDArray[np.int64] | None
) -> int:
    """Return how many nodes there are: as many as have features, a graph or a target, or as the edges name."""
    if "x" in found:
        if found["x"].ndim != _TABLE:
            raise ConfigurationError(f"{path}: x has the shape {found['x'].shape}, not (nodes, features)", hint=_WANTED)
        return len(found["x"])
    if membership is not None:
        return len(membership)
    if TARGET in found:
        return len(found[TARGET])
    if edges.max() >= max(_UNSUSPECTED, _MOST_PER_EDGE * edges.size):
        raise ConfigurationError(f"{path}: edges name node {edges.max()}, and only {edges.shape[1]} edges are there")
    return int(edges.max()) + 1


def _check_numbers(path: Path, name: str, numbers: NDArray[np.int64], count: int, what: str) -> None:
    wrong = (numbers < 0) | (numbers >= count)
    if wrong.any():
        place = np.unravel_index(int(wrong.argmax()), wrong.shape)
        where = ", ".join(map(str, place))
        raise ConfigurationError(f"{path}: {name}[{where}] is {numbers[place]}, and there are {count} {what}, from 0")


def _features(path: Path, x: Array | None, nodes: int) -> pd.DataFrame:
    if x is None:
        return pd.DataFrame(index=range(nodes))
    if x.dtype.kind not in "fiub":
        raise ConfigurationError(f"{path}: x has {x.dtype} values, and features are numbers")
    if x.shape[1] > MOST_COLUMNS:
        raise ConfigurationError(f"{path}: x has {x.shape[1]:,} columns, and no more than {MOST_COLUMNS:,} are read")
    return pd.DataFrame(x, columns=[f"x{column}" for column in range(x.shape[1])])


def _check_membership(path: Path, membership: NDArray[np.int64], edges: NDArray[np.int64], nodes: int) -> None:
    if membership.shape != (nodes,):
        raise ConfigurationError(f"{path}: graph has the shape {membership.shape}, not ({nodes},), one for each node")
    if membership.min() < 0 or len(np.unique(membership)) != membership.max() + 1:
        raise ConfigurationError(f"{path}: graph is to count the graphs from 0, and each of them has a node or more")
    across = membership[edges[0]] != membership[edges[1]]
    if across.any():
        raise ConfigurationError(f"{path}: edges[:, {int(across.argmax())}] joins nodes of two graphs")


def _weights(path: Path, weights: Array | None, edges: int) -> NDArray[np.float32] | None:
    if weights is None:
        return None
    if weights.shape != (edges,) or weights.dtype.kind not in "fiu":
        raise ConfigurationError(f"{path}: weights are {weights.shape} of {weights.dtype}, not ({edges},) numbers")
    found = weights.astype(np.float32)
    if not ((found > 0) & np.isfinite(found)).all():
        raise ConfigurationError(f"{path}: weights are to be finite numbers above 0")
    return found


def _answers(path: Path, y: Array | None, examples: int) -> pd.DataFrame:
    """Return the targets as a table of one column, in which gaps are missing; without a column where there are none."""
    if y is None:
        return pd.DataFrame(index=range(examples))
    if y.shape != (examples,) or y.dtype.kind not in "fiubUS":
        raise ConfigurationError(
            f"{path}: y has the shape {y.shape} of {y.dtype}, and there are {examples} examples", hint=_WANTED
        )
    values = pd.Series(words_of(path, y))
    if y.dtype.kind == "i":
        values = values.astype("Int64").mask(values == UNLABELLED)
    return pd.DataFrame({TARGET: values})
