"""Rows 34 to 36: what people's programs do to the process that they run in, and what they leave in it."""

import os
import time
import uuid
from pathlib import Path

import pytest
from commands import TEMPLATE
from faults.invariants import left_behind, running
from faults.processes import ROOT, USER_CODE

import tuner
from tuner.domain.trial import TrialRecord


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[TrialRecord, ...], list[str]]:
    """A folder in which a study of `guest.py` has run under Ray, its trials, and the processes that it left."""
    folder = tmp_path_factory.mktemp("guests")
    for name in ("guest.py", "guest.toml"):
        (folder / name).write_text((USER_CODE / name).read_text())
    mark = uuid.uuid4().hex
    ended = TEMPLATE.run("run", "guest.toml", cwd=folder, env={**os.environ, "PYTHONPATH": ROOT, "TUNER_FAULT": mark})
    assert ended.returncode == 0, ended.stderr
    return folder, tuner.load_study("guest", storage=str(folder / ".tuner" / "studies.db")).trials, left_behind(mark)


def test_every_number_of_a_trial_is_its_own(guests: tuple[Path, tuple[TrialRecord, ...], list[str]]) -> None:
    for trial in guests[1]:
        assert trial.metrics == {
            "lr": trial.config["lr"],
            "bits": 32 if trial.config["dtype"] == "float32" else 64,
            "number": trial.number,
            "signals": trial.epoch,
            "here": 1,
            "pool": 7,
            "loader": 6,
        }


def test_every_log_has_the_lines_of_its_trial(guests: tuple[Path, tuple[TrialRecord, ...], list[str]]) -> None:
    for trial in guests[1]:
        (log,) = (guests[0] / ".tuner" / "logs").glob(f"guest-*/trial-{trial.number:05d}.log")
        assert log.read_text().splitlines() == [f"trial {trial.number} epoch {epoch}" for epoch in range(2)]


def test_nothing_that_a_trial_has_started_is_left(guests: tuple[Path, tuple[TrialRecord, ...], list[str]]) -> None:
    assert guests[2] == []


def test_what_trials_have_started_ends_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    for name in ("guest.py", "guest.toml"):
        (tmp_path / name).write_text((USER_CODE / name).read_text())
    mark = uuid.uuid4().hex
    words = ("run", "guest.toml", "--set", "budget.epochs=1000000")
    driver = TEMPLATE.start(*words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ROOT, "TUNER_FAULT": mark})
    while not any(map(is_sleep, running(mark))):
        assert driver.poll() is None
        time.sleep(0.05)  # they are nobody's children here: there is nothing to wait on
    driver.kill()
    driver.communicate()
    assert left_behind(mark) == []


def is_sleep(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")
    except OSError:
        return False
