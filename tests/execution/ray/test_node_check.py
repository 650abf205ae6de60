"""What a node lacks, as the task finds that runs on it."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.ray.node_check import Expected, lacks

VERSIONS = {package: version(package) for package in ("torch", "numpy", "optuna")} | {"tuner": "none"}


@pytest.fixture
def spec(user_folder: Path) -> WorkerSpec:
    folders = StudyFolders.within(user_folder / ".tuner")
    folders.checkpoints.mkdir(parents=True)
    return WorkerSpec(
        objective="reporting:train",
        folder=user_folder,
        settings={"dataset": "mine.csv"},
        seed=0,
        metric="score",
        direction=Direction.MAXIMIZE,
        max_epochs=1,
        device="cpu",
        folders=folders,
        isolation=Isolation.TRIAL,
    )


@pytest.fixture
def found(spec: WorkerSpec, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Returns what this node lacks, with the driver's probe in the shared folder."""
    monkeypatch.setattr("tuner.execution.ray.node_check.versions_here", lambda: dict(VERSIONS))
    probe = f".tuner-{secrets.token_hex(4)}"
    (spec.folders.checkpoints.parent / probe).write_text(probe)

    def look(fingerprint: str | None = "same", versions: Mapping[str, str] = VERSIONS, **changes: Any) -> list[str]:
        expected = Expected(
            versions=versions, fingerprint=fingerprint, fingerprint_of=lambda _, __: "same", probe=probe
        )
        return lacks((replace(spec, **changes), expected))

    return look


def test_a_node_that_has_everything_lacks_nothing(found: Callable[..., list[str]], tmp_path: Path) -> None:
    assert found() == []
    assert found(folders=replace(StudyFolders.within(tmp_path / "x"), store=f"file://{tmp_path}/kept")) == []


def test_another_version_is_named_and_another_build_of_the_same_one_is_not(found: Callable[..., list[str]]) -> None:
    torch = VERSIONS["torch"].partition("+")[0]
    assert found(versions={**VERSIONS, "torch": f"{torch}+cu130"}) == []
    (problem,) = found(versions={**VERSIONS, "numpy": "1.0"})
    assert problem == f"numpy is {VERSIONS['numpy']} there and 1.0 here"


def test_an_objective_whose_module_is_not_there_is_named(found: Callable[..., list[str]]) -> None:
    (problem,) = found(objective="not_there:train")
    assert "not_there" in problem


def test_data_that_is_not_the_same_is_named(found: Callable[..., list[str]]) -> None:
    (problem,) = found(fingerprint="other")
    assert problem == "the data of settings.dataset = 'mine.csv' is not what it is here"


def test_a_folder_that_is_not_shared_is_named_with_what_to_do(found: Callable[..., list[str]], tmp_path: Path) -> None:
    (problem,) = found(folders=StudyFolders.within(tmp_path / "elsewhere"))
    assert "does not share" in problem
    assert "storage.checkpoints" in problem


def test_a_store_that_cannot_be_written_is_named(found: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    folders = replace(StudyFolders.within(tmp_path / "x"), store=f"file://{tmp_path}/file/kept")
    (problem,) = found(folders=folders)
    assert "checkpoints cannot be kept at" in problem
