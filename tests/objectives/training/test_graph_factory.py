"""Trials on one graph: a member of a cohort learns what it learns alone, on one graph that all of them hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.trial import Trial
from tuner.objectives.graph import GraphLearning
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.objectives.training.graph_model import PooledGraph

EPOCHS = 4


def trial(number: int, architecture: str, width: int = 8, **config: Any) -> Trial:
    return Trial(
        config=Config(
            {
                "architecture": {"name": architecture, "width": width},
                "optimizer": {"name": ("adam", "sgd")[number % 2], "lr": 0.01 * (1 + number)},
                **config,
            }
        ),
        number=number,
        seed=50 + number,
        device="cpu",
        epoch=0,
        max_epochs=EPOCHS,
        settings=Config({}),
        checkpoints=InMemory(),
    )


def curves(cohort: SupervisedCohort) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for _ in range(EPOCHS):
        for number, metrics in cohort.advance().items():
            found.setdefault(number, []).append(metrics)
    return found


def started(objective: GraphLearning, trials: Sequence[Trial]) -> SupervisedCohort:
    cohort = objective.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    return cohort


def save_ring(path: Path, *, graphs: bool = False, values: bool = False) -> str:
    """Write 60 nodes of which neighbours in a ring are alike; as graphs, rings of 4 nodes."""
    rng = np.random.default_rng(0)
    classes = np.arange(60) // 20
    nodes = np.arange(60)
    x = (np.eye(3)[classes] + rng.normal(size=(60, 3))).astype(np.float32)
    if not graphs:
        y = x[:, 0] * 3 + 10 if values else classes
        np.savez(path, x=x, y=y, edges=np.stack([nodes, (nodes + 1) % 60]))
    else:
        follower = nodes // 4 * 4 + (nodes + 1) % 4
        y = x[:, 0].reshape(15, 4).sum(1) if values else classes[::4]
        np.savez(path, x=x, y=y, edges=np.stack([nodes, follower]), graph=nodes // 4)
    return str(path)


@pytest.mark.parametrize("batch", [{}, {"batch_size": 7}], ids=["all at once", "in batches"])
@pytest.mark.parametrize("examples", ["nodes", "graphs"])
@pytest.mark.parametrize("architecture", ["gcn", "graph_sage", "gat"])
def test_a_member_of_a_cohort_learns_what_it_learns_alone_to_5_digits(
    architecture: str, examples: str, batch: dict[str, int], tmp_path: Path
) -> None:
    dataset = save_ring(tmp_path / "ring.npz", graphs=examples == "graphs")
    objective = GraphLearning({"dataset": dataset, "validation": 0.3}, seed=1)
    trials = [trial(number, architecture, **batch) for number in range(5)]
    cohort = started(objective, trials)
    assert cohort.is_batched
    together = curves(cohort)
    for each in trials:
        for mine, other in zip(together[each.number], curves(started(objective, [each]))[each.number], strict=True):
            assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5)


@pytest.mark.parametrize("examples", ["nodes", "graphs"])
def test_values_are_learnt_as_classes_are(examples: str, tmp_path: Path) -> None:
    dataset = save_ring(tmp_path / "ring.npz", graphs=examples == "graphs", values=True)
    objective = GraphLearning({"dataset": dataset}, seed=1)
    first, *_, last = curves(started(objective, [trial(0, "graph_sage")]))[0]
    assert last["rmse"] < first["rmse"]


def test_all_trials_of_one_preparation_hold_one_graph_and_none_has_it_in_its_state(tmp_path: Path) -> None:
    objective = GraphLearning({"dataset": save_ring(tmp_path / "ring.npz")}, seed=1)
    trials = [trial(number, "gcn") for number in range(2)]
    cohort = started(objective, trials)
    graphs = {
        id(each)
        for learner in cohort.learners.values()
        for each in vars(learner.model).values()
        if isinstance(each, PooledGraph)
    }
    assert len(graphs) == 1
    cohort.save([0])
    state = trials[0].load()
    assert state is not None
    assert sum(tensor.numel() for tensor in state["model"].values()) < 200


def test_a_node_without_a_target_passes_messages_and_is_not_learnt_from(tmp_path: Path) -> None:
    path = tmp_path / "line.npz"
    y = np.array([0, 1] * 10 + [-1] * 20)
    nodes = np.arange(20)
    # Only the unlabelled neighbour of a node says what it is.
    x = np.concatenate([np.zeros((20, 2)), np.eye(2)[np.array([0, 1] * 10)]]).astype(np.float32)
    np.savez(path, x=x, y=y, edges=np.stack([nodes, nodes + 20]))
    objective = GraphLearning({"dataset": str(path), "validation": 0.3, "test": 0.3}, seed=1)
    assert "20 examples have no target" in " ".join(objective.notes(None))  # type: ignore[arg-type]
    learnt = trial(0, "gcn", optimizer={"name": "adam", "lr": 0.3})
    *_, last = curves(started(objective, [learnt]))[0]
    assert last["accuracy"] == 1.0


def test_a_model_of_many_numbers_trains_alone_on_a_cpu() -> None:
    objective = GraphLearning({"dataset": "digits_neighbours", "test": 0.7}, seed=1)
    wide = [trial(number, "gat", 64) for number in range(4)]
    assert not started(objective, wide).is_batched
    narrow = [trial(number, "gcn", 16) for number in range(4)]
    assert started(objective, narrow).is_batched
