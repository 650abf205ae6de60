"""A graph model after training: it answers for the same graph and for others, and is the same when it was saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model
from tuner.domain.trial import Trial
from tuner.objectives.graph import GraphLearning

X = np.eye(4)[np.arange(40) % 4] + np.linspace(0, 1, 160).reshape(40, 4)
EDGES = np.stack([np.arange(36), np.arange(36) + 4])
CLASSES = np.array(["a", "b", "c", "d"])[np.arange(40) % 4]


def trained(path: Path, architecture: str = "gcn", **arrays: Any) -> Model:
    """Return the model of a graph with these arrays, after a few epochs."""
    np.savez(path, **arrays)
    objective = GraphLearning({"dataset": str(path)}, seed=0)
    trial = Trial(
        config=Config({"architecture": architecture, "optimizer": {"name": "adam", "lr": 0.05}}),
        number=0,
        seed=1,
        device="cpu",
        epoch=0,
        max_epochs=60,
        settings=Config({"dataset": str(path)}),
        checkpoints=InMemory(),
    )
    cohort = objective.start([trial])
    for _ in range(60):
        cohort.advance()
    cohort.save([0])
    return objective.model(trial)


@pytest.mark.parametrize("architecture", ["gcn", "graph_sage", "gat"])
def test_a_model_answers_for_its_graph_and_for_another_one_in_any_order_of_its_nodes(
    architecture: str, tmp_path: Path
) -> None:
    model = trained(tmp_path / "graph.npz", architecture, x=X, y=CLASSES, edges=EDGES)
    answers = model.predict(tmp_path / "graph.npz")
    assert (answers == CLASSES).mean() > 0.9
    np.savez(tmp_path / "turned.npz", x=X[::-1], edges=39 - EDGES)
    assert model.predict(tmp_path / "turned.npz").tolist() == answers[::-1].tolist()


def test_a_saved_model_is_the_same_and_does_not_say_where_its_data_was(tmp_path: Path) -> None:
    model = trained(tmp_path / "graph.npz", x=X, y=CLASSES, edges=EDGES)
    saved = model.save()
    again = GraphLearning.restore(saved)
    path = tmp_path / "graph.npz"
    assert np.array_equal(again.predict_proba(path), model.predict_proba(path))
    assert str(tmp_path) not in str(saved.settings)
    assert sum(tensor.numel() for tensor in saved.weights.values()) < 1000


def test_values_come_in_the_units_of_the_data_and_graphs_have_one_each(tmp_path: Path) -> None:
    of_graph = np.arange(40) // 4
    edges = np.stack([np.arange(0, 40, 2), np.arange(1, 40, 2)])
    y = 1000 + 100 * X.mean(axis=1).reshape(10, 4).mean(axis=1)
    model = trained(tmp_path / "graph.npz", x=X, y=y, edges=edges, graph=of_graph)
    found = model.predict(tmp_path / "graph.npz")
    assert found.shape == (10,)
    assert np.abs(found - y).mean() < np.abs(y - y.mean()).mean()
    np.savez(tmp_path / "one.npz", x=X, edges=edges)
    with pytest.raises(ConfigurationError, match="holds nodes of one graph, and the model answers for graphs"):
        model.predict(tmp_path / "one.npz")


def test_what_is_no_graph_of_the_same_columns_is_refused(tmp_path: Path) -> None:
    model = trained(tmp_path / "graph.npz", x=X, y=CLASSES, edges=EDGES)
    np.savez(tmp_path / "narrow.npz", x=X[:, :3], edges=EDGES)
    with pytest.raises(ConfigurationError, match="nodes have no column 'x3'"):
        model.predict(tmp_path / "narrow.npz")
    with pytest.raises(ConfigurationError, match="its input is the path"):
        model.predict(X)
    with pytest.raises(ConfigurationError, match="cannot be written as ONNX"):
        model.write_onnx(tmp_path / "model.onnx")
