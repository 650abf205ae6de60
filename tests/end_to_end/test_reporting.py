"""Functions that report and save folders: killed anywhere, they continue from what was recorded, to the same curve."""

import os
from functools import cache
from pathlib import Path

import pytest
from commands import ROOT, TEMPLATE

import tuner
from tuner.execution.checkpoints import trial_folder

PROGRAM = Path(__file__).parent.parent / "user_code" / "reporting.py"

STUDY = """
objective = "reporting:train"
search_space = "reporting:space"
metric = "loss"
direction = "minimize"

[budget]
trials = 2
epochs = 6

[sampler]
name = "random"

[scheduler]
name = "none"
"""

KNOWN = "faults.processes:known_driver"

Curves = list[dict[int, float]]


def run(folder: Path, executor: str, killed: str = "") -> int:
    """Run the study, or resume it, and return the exit code."""
    is_new = not (folder / ".tuner").exists()
    words = ["run", "reporting.toml"] if is_new else ["resume", "reporting"]
    words += ["--executor", executor]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MARKS": str(folder), "KILLED": killed or "-1:0::"}
    return TEMPLATE.run(*words, cwd=folder, env=environment, main=KNOWN).returncode


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "reporting.py").write_text(PROGRAM.read_text())
    (folder / "reporting.toml").write_text(STUDY)
    return folder


def study(folder: Path) -> tuner.Study:
    return tuner.load_study("reporting", storage=str(folder / ".tuner" / "studies.db"))


def curves(folder: Path) -> Curves:
    return [dict(trial.curve) for trial in study(folder).trials]


def checkpoints(folder: Path, number: int) -> Path:
    (root,) = (folder / ".tuner" / "checkpoints").iterdir()
    return trial_folder(root, number)


@cache
def uninterrupted(folder: Path) -> Curves:
    assert run(made(folder), "inline") == 0
    return curves(folder)


@pytest.fixture
def expected(tmp_path_factory: pytest.TempPathFactory) -> Curves:
    return uninterrupted(tmp_path_factory.getbasetemp() / "uninterrupted-reporting")


@pytest.mark.parametrize("place", ["saving", "saved"])
def test_a_driver_that_is_killed_continues_its_trial_step_by_step(place: str, tmp_path: Path, expected: Curves) -> None:
    folder = made(tmp_path)
    assert run(folder, "inline", killed=f"0:3:{place}:driver") == -9
    assert len(curves(folder)[0]) < 6
    assert run(folder, "inline") == 0
    assert curves(folder) == expected
    for trial in study(folder).trials:
        kept = [path.name for path in checkpoints(folder, trial.number).iterdir()]
        assert all(name.startswith("epoch-") for name in kept), "no draft is left"
        assert f"epoch-{trial.epoch:06d}" in kept, "the best one is there"


def test_killed_trials_and_a_killed_driver_under_ray_leave_no_trace_in_the_curves(
    tmp_path: Path, expected: Curves
) -> None:
    folder = made(tmp_path)
    assert run(folder, "ray", killed="1:4:saved:driver") == -9
    assert run(folder, "ray", killed="1:6:saving:trial") == 0
    assert (folder / "killed-1-6-saving-trial").exists()
    assert curves(folder) == expected
