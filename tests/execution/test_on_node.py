"""What a worker's spec says on a node that has none of the driver's folders."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuner.domain.assignment import Assignment, AssignmentKind
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Surroundings, WorkerSpec
from tuner.execution.on_node import assigned_here, folders_here, on_this_node


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The driver's folder, which is not on this node."""
    return tmp_path / "driver"


@pytest.fixture
def spec(there: Path) -> WorkerSpec:
    return WorkerSpec(
        objective="mine:train",
        folder=there,
        settings={"dataset": str(there / "data.csv"), "elsewhere": "/data/all.csv", "depth": 3},
        seed=0,
        metric="score",
        direction=Direction.MAXIMIZE,
        max_epochs=1,
        device="cpu",
        folders=replace(StudyFolders.within(there / "study-1234"), store="s3://bucket/study-1234"),
        surroundings=Surroundings(
            folder=there, umask=0o022, module_path=(str(there / "lib"), "/not/here"), environment={"HOME": "/driver"}
        ),
        sends_code=True,
    )


def test_what_has_travelled_is_found_in_the_working_directory(spec: WorkerSpec, workplace: Path) -> None:
    (workplace / "lib").mkdir()
    here = on_this_node(spec)
    assert here.folder == here.started_in == workplace
    assert here.settings == {"dataset": str(workplace / "data.csv"), "elsewhere": "/data/all.csv", "depth": 3}
    assert here.surroundings is not None
    assert here.surroundings.umask == 0o022
    assert str(workplace / "lib") in here.surroundings.module_path
    assert "/not/here" not in here.surroundings.module_path


def test_trials_have_the_nodes_own_environment(spec: WorkerSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/node")
    here = on_this_node(spec).surroundings
    assert here is not None
    assert here.environment["HOME"] == "/node"


def test_code_that_is_on_the_nodes_already_is_where_it_was(spec: WorkerSpec, there: Path) -> None:
    here = on_this_node(replace(spec, sends_code=False))
    assert here.folder == there
    assert here.settings == spec.settings


def test_what_trials_write_lies_on_the_node_where_checkpoints_are_kept_at_a_url(
    spec: WorkerSpec, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folders = folders_here(spec.folders)
    assert folders.store == spec.folders.store
    assert not folders.checkpoints.is_relative_to(there)
    assert folders.checkpoints.is_relative_to(tmp_path)
    assignment = Assignment(id=1, kind=AssignmentKind.TRAIN, members=(), folders=spec.folders)
    assert assigned_here(assignment).folders == folders


def test_without_a_url_all_nodes_share_the_folders(spec: WorkerSpec) -> None:
    shared = replace(spec.folders, store="")
    assert folders_here(shared) == shared
    assignment = Assignment(id=1, kind=AssignmentKind.TRAIN, members=())
    assert assigned_here(assignment) is assignment
