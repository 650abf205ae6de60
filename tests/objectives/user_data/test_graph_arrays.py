from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.open_graph import UserGraph

X = np.arange(8, dtype=np.float32).reshape(4, 2)
Y = np.array([0, 1, -1, 1])
EDGES = np.array([[0, 1, 2], [1, 2, 3]])


def opened(path: Path, **arrays: Any) -> UserGraph:
    np.savez(path / "graph.npz", **{name: array for name, array in arrays.items() if array is not None})
    return UserGraph(path / "graph.npz", GraphOptions())


def test_arrays_become_a_graph_in_which_minus_one_is_no_class(tmp_path: Path) -> None:
    graph = opened(tmp_path, x=X, y=Y, edges=EDGES)
    data = graph.load()
    assert graph.labels == (0, 1)
    assert data.labelled.tolist() == [0, 1, 3]
    assert data.edges.shape == (2, 6)
    assert data.features.tolist() == X.tolist()


def test_with_the_number_of_each_nodes_graph_an_example_is_a_graph(tmp_path: Path) -> None:
    data = opened(tmp_path, x=X, y=np.array(["u", "v"]), edges=EDGES[:, [0, 2]], graph=np.array([0, 0, 1, 1])).load()
    assert data.num_examples == 2
    assert data.targets.tolist() == [0, 1]


def test_without_features_the_degree_is_one(tmp_path: Path) -> None:
    assert opened(tmp_path, y=Y, edges=EDGES).load().features.shape == (4, 1)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"edges": None}, "has no array 'edges'"),
        ({"edges": EDGES[:, :0]}, "edges is empty, and a graph has an edge or more"),
        ({"edges": EDGES.T}, "edges have the shape (3, 2), not (2, edges)"),
        ({"edges": EDGES.astype(float)}, "float64, not whole numbers"),
        ({"edges": EDGES + 1}, "edges[1, 2] is 4, and there are 4 nodes"),
        ({"y": Y[:3]}, "y has the shape (3,)"),
        ({"y": None}, "there is no column 'y'"),
        ({"x": X[0]}, "x has the shape (2,)"),
        ({"x": X.astype("S4")}, "features are numbers"),
        ({"x": np.where(X == 7, np.inf, X)}, "row 4, column 'x1'"),
        ({"weights": np.ones(2)}, "weights are (2,)"),
        ({"weights": np.zeros(3)}, "weights are to be finite numbers above 0"),
        ({"graph": np.array([0, 0, 1, 1]), "y": np.array([0, 1])}, "edges[:, 1] joins nodes of two graphs"),
        ({"graph": np.array([0, 0, 2, 2]), "y": np.array([0, 1])}, "graph is to count the graphs from 0"),
        ({"graph": np.array([0, 0, 1])}, "edges[1, 2] is 3, and there are 3 nodes"),
    ],
)
def test_a_mistake_is_said_with_its_array(arrays: dict[str, Any], expected: str, tmp_path: Path) -> None:
    if "graph" in arrays and len(arrays["graph"]) == 3:
        arrays = {**arrays, "x": None}
    with pytest.raises(ConfigurationError) as caught:
        opened(tmp_path, **{"x": X, "y": Y, "edges": EDGES, **arrays})
    assert expected in str(caught.value)


def test_an_edge_does_not_make_room_for_any_number_of_nodes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="only 3 edges are there"):
        opened(tmp_path, edges=EDGES + 2**40)
