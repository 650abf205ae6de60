from pathlib import Path

import numpy as np

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.objectives.graph import GraphLearning


def objective() -> GraphLearning:
    return GraphLearning({"dataset": "digits_neighbours"}, seed=0)


def test_what_is_not_for_graphs_is_said_with_its_path() -> None:
    space = SearchSpace(
        architecture=Choice(gcn={"width": Int(4, 8), "heads": Int(1, 2)}, mlp={"width": Int(4, 8)}),
        loss=Choice("huber"),
        encoding=Choice("one_hot"),
        optimizer=Choice(adam={"lr": Float(0.001, 0.1)}),
    )
    said = "\n".join(objective().problems(space))
    assert "architecture: 'mlp' is for image or sequence or table, and dataset 'digits_neighbours' is graph" in said
    assert "architecture.gcn.heads: 'gcn' has no field 'heads'" in said
    assert "loss: 'huber' is for regression" in said
    assert "encoding: is for tables with categories" in said


def test_the_key_has_the_shape_and_what_prepares_the_one_graph_of_a_cohort() -> None:
    base = {"architecture": {"name": "gcn", "width": 8, "dropout": 0.1}, "scaling": "minmax"}

    def key(**changes: object) -> object:
        return objective().cohort_key(Config({**base, **changes}))

    assert key(architecture={"name": "gcn", "width": 8, "dropout": 0.5}, optimizer="sgd") == key()
    assert key(scaling="standard") != key()
    assert key(preprocessing="minmax") == key()
    assert key(batch_size=8) != key()
    assert objective().cohort_key(Config({})) == objective().cohort_key(Config({"scaling": "minmax"}))


def test_the_fingerprint_of_a_folder_is_that_of_its_tables(tmp_path: Path) -> None:
    (tmp_path / "nodes.csv").write_text("id,x,y\na,1,u\nb,2,v\n")
    (tmp_path / "edges.csv").write_text("source,destination\na,b\n")
    first = GraphLearning.fingerprint({"dataset": str(tmp_path)})
    (tmp_path / "notes.md").write_text("of no consequence")
    assert GraphLearning.fingerprint({"dataset": str(tmp_path)}) == first
    (tmp_path / "edges.csv").write_text("source,destination\nb,a\n")
    assert GraphLearning.fingerprint({"dataset": str(tmp_path)}) != first


def test_values_propose_a_regressor(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    np.savez(path, x=np.eye(30), y=np.linspace(0, 1, 30), edges=np.array([[0], [1]]))
    assert GraphLearning({"dataset": str(path)}, seed=0).proposal()["search_space"] == "graph_regressor"
