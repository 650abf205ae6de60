from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.supervised import Supervised
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.graph_tables import read_tables
from tuner.objectives.user_data.open_graph import UserGraph

NODES = "id,size,age,label\na,1,0.5,x\nb,2,,y\nc,3,0.1,\nd,4,0.2,x\n"
EDGES = "source,destination\na,b\nb,c\nc,c\nb,a\n"


def write(folder: Path, nodes: str = NODES, edges: str = EDGES, graphs: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "nodes.csv").write_text(nodes)
    (folder / "edges.csv").write_text(edges)
    if graphs is not None:
        (folder / "graphs.csv").write_text(graphs)
    return folder


def opened(folder: Path, **settings: object) -> UserGraph:
    return UserGraph(folder, GraphOptions.of({"target": "label", **settings}))


def problem_of(folder: Path, **settings: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        opened(folder, **settings)
    return str(caught.value)


def test_nodes_and_edges_become_one_graph_in_which_unlabelled_nodes_stay(tmp_path: Path) -> None:
    graph = opened(write(tmp_path))
    data = graph.load()
    assert graph.labels == ("x", "y")
    assert data.labelled.tolist() == [0, 1, 3]
    assert data.targets.tolist() == [0, 1, 0]
    assert sorted(zip(*data.edges.tolist(), strict=True)) == [(0, 1), (1, 0), (1, 2), (2, 1)]
    assert data.features.shape == (4, 2)
    assert np.isnan(data.features[1, 1])
    said = " ".join(graph.notes)
    assert "1 edges from a node to itself" in said
    assert "1 edges are there again" in said
    assert "1 nodes have no edge" in said
    assert "1 examples have no target" in said


def test_directed_edges_lead_one_way_and_weights_are_read(tmp_path: Path) -> None:
    edges = "from,to,how\na,b,2\na,b,3\nc,b,0.5\n"
    graph = opened(write(tmp_path, edges=edges), source="from", destination="to", weight="how", directed=True)
    data = graph.load()
    assert data.edges.tolist() == [[0, 2], [1, 1]]
    assert data.weights.tolist() == [3.0, 0.5]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    pd.DataFrame({"id": [7, 8, 9], "x": [0.1, 0.2, 0.3], "label": ["u", "v", "u"]}).to_parquet(
        tmp_path / "nodes.parquet"
    )
    pd.DataFrame({"source": [7, 8], "destination": [9, 7]}).to_parquet(tmp_path / "edges.parquet")
    data = opened(tmp_path).load()
    assert data.edges.shape == (2, 4)
    assert data.targets.tolist() == [0, 1, 0]


def test_with_a_table_of_graphs_an_example_is_a_graph(tmp_path: Path) -> None:
    nodes = "id,graph,size\na,g,1\nb,g,2\nc,h,3\n"
    folder = write(tmp_path, nodes, "source,destination\na,b\n", "graph,label\ng,yes\nh,no\n")
    data = opened(folder).load()
    assert data.membership is not None
    assert data.membership.tolist() == [0, 0, 1]
    assert data.targets.tolist() == [1, 0]
    assert data.num_examples == 2


def test_nodes_without_features_have_the_logarithm_of_their_degree(tmp_path: Path) -> None:
    graph = opened(write(tmp_path), columns={"size": "ignore", "age": "ignore"})
    assert graph.load().features[:, 0] == pytest.approx(np.log1p([1, 2, 1, 0]))
    assert "no features" in " ".join(graph.notes)


@pytest.mark.parametrize(
    ("files", "settings", "expected"),
    [
        (
            {"edges": "source,destination\na,b\nb,zz\n"},
            {},
            "edges.csv, line 3: 'zz' in column 'destination' is no node",
        ),
        ({"nodes": NODES + "b,5,1,x\n"}, {}, "nodes.csv, line 6: node 'b' is there already, in line 3"),
        ({"nodes": NODES + ",5,1,x\n"}, {}, "nodes.csv, line 6: the node has no name in column 'id'"),
        ({"nodes": NODES.replace("3,0.1", "big,0.1")}, {}, "nodes.csv, line 4, column 'size': 'big'"),
        ({"edges": "from,destination\na,b\n"}, {}, "edges.csv: has no column 'source'"),
        ({}, {"id": "idd"}, "nodes.csv: has no column 'idd'; did you mean 'id'?"),
        ({}, {"target": "labl"}, "settings.target: there is no column 'labl'; did you mean 'label'?"),
        ({}, {"columns": {"sice": "ignore"}}, "settings.columns.sice: there is no such column"),
        ({"edges": "source,destination,w\na,b,0\n"}, {"weight": "w"}, "edges.csv, line 2, column 'w': the weight"),
        ({"edges": "source,destination,w\na,b,inf\n"}, {"weight": "w"}, "edges.csv, line 2, column 'w'"),
        (
            {
                "nodes": "id,graph\na,g\nb,i\n",
                "edges": "source,destination\na,a\n",
                "graphs": "graph,label\ng,x\nh,y\n",
            },
            {},
            "nodes.csv, line 3: 'i' in column 'graph' is no graph of graphs.csv",
        ),
        (
            {"nodes": "id,graph\na,g\n", "edges": "source,destination\na,a\n", "graphs": "graph,label\ng,x\nh,y\n"},
            {},
            "graphs.csv, line 3: graph 'h' has no node",
        ),
        (
            {
                "nodes": "id,graph\na,g\nb,h\n",
                "edges": "source,destination\na,b\n",
                "graphs": "graph,label\ng,x\nh,y\n",
            },
            {},
            "edges.csv, line 2: the edge joins nodes of two graphs",
        ),
    ],
)
def test_a_mistake_is_said_with_its_file_and_line(
    files: dict[str, str], settings: dict[str, object], expected: str, tmp_path: Path
) -> None:
    assert expected in problem_of(write(tmp_path, **files), **settings)


def test_a_folder_without_edges_or_with_two_tables_of_nodes_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "nodes.tsv").write_text("id\tx\na\t1\n")
    (folder / "edges.csv").unlink()
    said = problem_of(folder)
    assert "has nodes.csv and nodes.tsv" in said
    assert "has no edges.csv or edges.parquet" in said


def test_a_graph_without_a_target_is_read_for_predictions(tmp_path: Path) -> None:
    structure = read_tables(write(tmp_path, "id,size\na,1\nb,2\n", "source,destination\na,b\n"), GraphOptions())
    assert structure.names.tolist() == ["a", "b"]


def test_supervised_learning_says_which_objective_a_folder_of_nodes_and_edges_is_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Supervised({"dataset": str(write(tmp_path))}, seed=0)
    assert 'objective = "graph"' in str(caught.value.hint)
