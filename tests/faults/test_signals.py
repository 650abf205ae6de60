"""Rows 6, 15 and 16: signals at any moment, and a driver that sleeps through the end of its lease."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TEMPLATE
from faults.invariants import check_finished, check_stored, left_behind
from faults.processes import (
    IS_LONG,
    LEADER,
    ROOT,
    SEED,
    TARGET,
    Process,
    start,
    start_anew,
    wait_for_line,
    wait_until_trained,
)

import tuner
from tuner.storage.lease import KEY


@pytest.fixture
def folder(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRAINED", str(user_folder / "trained.txt"))
    monkeypatch.setenv("PYTHONPATH", ROOT)
    monkeypatch.setenv("TUNER_FAULT", uuid.uuid4().hex)
    yield user_folder
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("faulty", None)


def finish() -> None:
    words = ["resume", "faulty"] if (Path(".tuner/studies.db")).exists() and listed() else ["run", "faulty.toml"]
    process = start(*words, "--executor", "inline")
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def listed() -> bool:
    process = start("status", "faulty")
    process.communicate()
    return process.returncode == 0


def wait_until_it_listens(process: Process) -> None:
    """Wait until the command has begun: of a signal before that, Python itself ends, having done nothing."""
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1 and process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(re.findall(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)[0], 16)


@pytest.mark.parametrize("moment", range(25 if IS_LONG else 2))
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_at_any_moment_ends_the_run_and_keeps_what_was_recorded(
    moment: int, number: signal.Signals, code: int, folder: Path
) -> None:
    process = start_anew("run", "faulty.toml", "--executor", "inline", pause=0.02)
    wait_until_it_listens(process)
    delay = random.Random(SEED + moment).uniform(0, 1.5)
    try:
        process.communicate(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode in {code, 0}, (delay, errors)
    assert "Traceback" not in errors, (delay, errors)
    check_stored(folder)
    if process.returncode == code and listed():
        assert "tuner resume faulty" in errors, (delay, errors)
    finish()
    check_finished(folder, TARGET)


@pytest.mark.parametrize("moment", range(6) if IS_LONG else [1])
def test_a_signal_while_ray_starts_or_trains_leaves_no_process(moment: int, folder: Path) -> None:
    process = start("run", "faulty.toml", pause=0.05)
    if moment % 2:
        assert wait_until_trained(folder, 10, process)
    else:
        wait_for_line(process, "starting ray")
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 143, errors
    assert "tuner resume faulty" in errors
    assert left_behind(os.environ["TUNER_FAULT"]) == []
    finish()
    check_finished(folder, TARGET)


def test_a_signal_to_the_whole_group_in_the_middle_of_a_long_epoch_saves_the_study(folder: Path) -> None:
    process = TEMPLATE.start("run", "faulty.toml", env={**os.environ, "PAUSE": "60"}, main=LEADER)
    assert wait_until_trained(folder, 1, process)
    os.killpg(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    assert "tuner resume faulty" in errors
    assert left_behind(os.environ["TUNER_FAULT"]) == []
    check_stored(folder)
    assert {trial.state for trial in tuner.load_study("faulty").trials} == {tuner.TrialState.WAITING}


def test_a_driver_that_slept_through_the_end_of_its_lease_does_not_count_twice(folder: Path) -> None:
    sleeper = start("run", "faulty.toml", "--executor", "inline", pause=0.3)
    assert wait_until_trained(folder, 3, sleeper)
    sleeper.send_signal(signal.SIGSTOP)
    with sqlite3.connect(folder / ".tuner" / "studies.db") as connection:
        connection.execute(
            "update study_system_attributes set value_json = json_set(value_json, '$.until', ?) where key = ?",
            ("2020-01-01T00:00:00+00:00", KEY),
        )
    finish()
    before = check_finished(folder, TARGET)
    sleeper.send_signal(signal.SIGCONT)
    _, errors = sleeper.communicate()
    assert sleeper.returncode == 5, errors
    assert "this process lost the study" in errors
    assert "Traceback" not in errors
    (late,) = (folder / ".tuner" / "spilled").glob("faulty-*.late.jsonl")
    assert '"epoch"' in late.read_text()
    late.unlink()
    late.parent.rmdir()
    after = check_finished(folder, TARGET)
    assert [(t.number, t.state, t.curve) for t in after.trials] == [(t.number, t.state, t.curve) for t in before.trials]
