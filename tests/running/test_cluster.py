"""Which cluster a study joins, and what of it travels there."""

from pathlib import Path

import pytest

from tuner.domain.capacity import Capacity, NodeCapacity
from tuner.domain.places import Cluster
from tuner.domain.study import StudySpec
from tuner.running.cluster import fingerprint_there, joined, joined_capacity, joining_note, sends_code


def spec(executor: str = "ray", objective: str = "mine:train", dataset: str = "digits", **cluster: object) -> StudySpec:
    return StudySpec(
        objective=objective,
        search_space="mlp",
        metric="score",
        executor=executor,
        settings={"dataset": dataset},
        cluster=Cluster(**cluster),  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_a_study_runs_on_its_own_machine_unless_a_cluster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert joined(spec()) is None
    assert joined_capacity(spec(), Path()) is None
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert joined(spec()) is None


def test_the_studys_own_address_goes_before_rays_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert joined(spec()) == Cluster(address="10.0.0.1:6379")
    assert joined(spec(address="auto")) == Cluster(address="auto")


def test_only_ray_joins_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert joined(spec(executor="inline")) is None


@pytest.mark.parametrize(
    ("objective", "dataset", "asked", "travels"),
    [
        ("mine:train", "digits", True, True),
        ("mine:train", "digits", False, False),
        ("supervised", "digits", True, False),
        ("supervised", "/study/data.csv", True, True),
        ("supervised", "/elsewhere/data.csv", True, False),
    ],
)
def test_the_folder_travels_where_trials_need_it(objective: str, dataset: str, asked: object, travels: object) -> None:
    assert sends_code(spec(objective=objective, dataset=dataset, send_code=asked), Path("/study")) is travels


def test_the_first_line_says_which_cluster_it_is_and_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    capacity = Capacity((NodeCapacity(4, 1), NodeCapacity(8, 0)))
    given = spec(address="10.0.0.1:6379")
    assert joining_note(given, given.cluster, capacity) == (
        "joins the Ray cluster at 10.0.0.1:6379: 2 nodes, 12 CPUs, 1 GPUs"
    )
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.2:6379")
    cluster = joined(spec())
    assert cluster is not None
    assert "10.0.0.2:6379 (RAY_ADDRESS)" in joining_note(spec(), cluster, capacity)


def test_a_functions_data_has_no_fingerprint(user_folder: Path) -> None:
    assert fingerprint_there(spec(objective="reporting:train"), {"dataset": "digits"}, user_folder) is None
