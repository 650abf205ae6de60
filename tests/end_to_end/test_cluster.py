"""A study on a real Ray cluster: nodes that lack something are named, and those that are lost cost no trial.

The short form is one test; with TUNER_CLUSTER=long (`make cluster`) the driver and the head are killed too.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import TEMPLATE, Command
from ray_nodes import Nodes, hides_folders, ray_nodes, surroundings

import tuner
from tuner.domain.trial import TrialState

EPOCHS, TRIALS = 6, 4

OBJECTIVE = """
import os, time
from pathlib import Path

def train(trial):
    shared = Path(trial.settings["shared"])
    state = trial.load()
    steps = 0 if state is None else state["steps"]
    assert steps == trial.epoch, "it continues from another state than its own"
    for epoch in range(trial.epoch, trial.max_epochs):
        while epoch >= 3 and not (shared / "gate").exists():
            time.sleep(0.05)
        steps += 1
        trial.save({"steps": steps})
        with (shared / "trained").open("a") as file:
            file.write(f"{trial.number} {epoch + 1}\\n")
        yield {"score": trial.config["x"] * steps}
"""

STUDY = f"""
objective = "far_away:train"
search_space = "space.toml"
metric = "score"
direction = "maximize"
scheduler = "none"
[budget]
trials = {TRIALS}
epochs = {EPOCHS}
"""

needs_long = pytest.mark.skipif(os.environ.get("TUNER_CLUSTER") != "long", reason="minutes: make cluster")


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that every node sees, for checkpoints and for what the test has to know."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def study(workplace: Path, shared: Path) -> Path:
    """The driver's folder, which no worker node sees."""
    folder = workplace / "mine"
    folder.mkdir()
    (folder / "far_away.py").write_text(OBJECTIVE)
    (folder / "space.toml").write_text("x = {float = [0.5, 1.0]}\n")
    (folder / "study.toml").write_text(
        f'{STUDY}[settings]\nshared = "{shared}"\n[storage]\ncheckpoints = "{shared}/kept"\n'
    )
    return folder


@pytest.fixture
def nodes(study: Path) -> Iterator[Nodes]:
    with ray_nodes(study) as cluster:
        yield cluster


def driver(folder: Path, *words: str) -> Command:
    return TEMPLATE.start(*words, cwd=folder, env=surroundings())


def await_that(is_so: Callable[[], bool], run: Command) -> None:
    """Wait until something is so; the limit of the whole test is the only one."""
    while not is_so():
        assert run.poll() is None, run.stderr.read()
        time.sleep(0.1)


def trained(shared: Path) -> list[tuple[int, int]]:
    """Return every epoch that was trained, by trial, in the order of time."""
    lines = (shared / "trained").read_text().splitlines() if (shared / "trained").exists() else []
    return [(int(trial), int(epoch)) for trial, epoch in map(str.split, lines)]


def assert_whole(storage: Path, shared: Path, lost: int) -> None:
    """Assert that every trial has every epoch once, and few were trained again for each worker `lost`."""
    trials = tuner.load_study("study", str(storage)).trials
    assert [sorted(trial.curve) for trial in trials] == [[*range(1, EPOCHS + 1)]] * TRIALS
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    done = trained(shared)
    assert set(done) == {(trial, epoch) for trial in range(TRIALS) for epoch in range(1, EPOCHS + 1)}
    assert len(done) - len(set(done)) <= 2 * lost  # the newest state may not have been uploaded, nor the last recorded


def test_a_node_is_lost_and_another_one_comes_in_mid_run(nodes: Nodes, study: Path, shared: Path) -> None:
    first = nodes.start_worker()
    if hides_folders():
        run = driver(study, "run", "study.toml", "--address", nodes.address, "--set", "storage.checkpoints=")
        _, stderr = run.communicate()
        assert run.returncode == 2, stderr
        assert "node 127.0.7.2: it does not share" in stderr
    run = driver(study, "run", "study.toml", "--address", nodes.address)
    await_that(lambda: (0, 3) in trained(shared), run)
    nodes.kill(first)
    (shared / "gate").touch()
    nodes.start_worker()
    _, stderr = run.communicate()
    assert run.returncode == 0, stderr
    assert f"joins the Ray cluster at {nodes.address}" in stderr
    assert_whole(study / ".tuner" / "studies.db", shared, lost=1)


@needs_long
def test_a_driver_is_killed_and_the_study_continues_from_another_folder(
    nodes: Nodes, study: Path, shared: Path, workplace: Path
) -> None:
    for _ in range(2):
        nodes.start_worker()
    run = driver(study, "run", "study.toml", "--address", nodes.address)
    await_that(lambda: {(0, 3), (1, 3)} <= set(trained(shared)), run)
    run.kill()
    run.communicate()
    elsewhere = workplace / "elsewhere"
    shutil.copytree(study, elsewhere)
    shutil.rmtree(elsewhere / ".tuner" / "checkpoints")
    (shared / "gate").touch()
    run = driver(elsewhere, "resume", "study", "--address", nodes.address, "--trust")
    _, stderr = run.communicate()
    assert run.returncode == 0, stderr
    assert_whole(elsewhere / ".tuner" / "studies.db", shared, lost=2)


@needs_long
def test_a_head_that_is_lost_ends_the_run_which_another_cluster_continues(
    nodes: Nodes, study: Path, shared: Path
) -> None:
    nodes.start_worker()
    run = driver(study, "run", "study.toml", "--address", nodes.address)
    await_that(lambda: (0, 3) in trained(shared), run)
    nodes.kill("n1")
    _, stderr = run.communicate()
    assert run.returncode == 4, stderr
    assert "the study continues: tuner resume study" in stderr
    (shared / "gate").touch()
    run = driver(study, "resume", "study", "--executor", "inline")
    _, stderr = run.communicate()
    assert run.returncode == 0, stderr
    assert_whole(study / ".tuner" / "studies.db", shared, lost=2)  # what the head has lost trained on for a while
