"""Studies that are killed or interrupted, in processes of their own, and resumed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import TEMPLATE, Command

import tuner
from tuner.doctor.checkup import examine
from tuner.doctor.findings import Severity
from tuner.storage.store import open_store

TRIALS = 12

IRIS_MLP = """
from tuner import Choice, Float, SearchSpace

space = SearchSpace(
    architecture=Choice(mlp={"width": Choice(8, 16), "dropout": Float(0.0, 0.5)}),
    loss=Choice("cross_entropy"),
    optimizer=Choice(adam={"lr": Float(1e-3, 1e-1, log=True)}),
)
"""


@pytest.fixture
def notes(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which every trained epoch is noted by whoever trained it."""
    file = user_folder / "notes.txt"
    file.touch()
    monkeypatch.setenv("NOTES", str(file))
    yield file
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def start(*words: str, pause: float = 0.0) -> Command:
    return TEMPLATE.start(*words, env={**os.environ, "PAUSE": str(pause)})


def wait_for(condition: Callable[[], bool], process: Command) -> None:
    """Wait until `condition` holds; fail where the process ends before."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)  # polling a file that another process writes: there is no event to await


def lines(file: Path) -> int:
    return file.read_text().count("\n")


def finish(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return TEMPLATE.run("resume", name, *words)


def asked(*words: str) -> str:
    done = TEMPLATE.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(study: tuner.Study) -> list[tuple[Any, ...]]:
    """Return all that must not depend on whether a study was interrupted."""
    return [(t.number, t.state, t.config, t.value, t.epoch, t.metrics, t.curve, t.schedule) for t in study.trials]


def uninterrupted(name: str, scheduler: str = "asha") -> tuner.Study:
    return tuner.run("mine.toml", name=name, executor="inline", scheduler=scheduler)


@pytest.mark.parametrize("scheduler", ["asha", "pbt"])
def test_a_killed_study_ends_as_an_uninterrupted_one(scheduler: str, notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", "--scheduler", scheduler, pause=0.02)
    for kill in range(3):
        target = 8 + 10 * kill
        wait_for(lambda target=target: lines(notes) >= target, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        process = start("resume", "mine", pause=0.02)
    _, messages = process.communicate()
    assert process.returncode == 0, messages
    study = tuner.load_study("mine")
    assert len(study.trials) == TRIALS
    assert all(trial.state.is_finished for trial in study.trials)
    assert facts(study) == facts(uninterrupted("whole", scheduler))


def test_a_study_that_was_killed_while_it_was_confirmed_is_confirmed_as_any_other(notes: Path) -> None:
    confirming = ("--confirm", "--set", "confirm.top=2", "--set", "confirm.seeds=3")
    whole = tuner.run("mine.toml", name="whole", executor="inline").confirm(top=2, seeds=3)
    searched = sum(len(trial.curve) for trial in whole.trials)
    notes.write_text("")
    process = start("run", "mine.toml", "--executor", "inline", *confirming, pause=0.02)
    for kill in range(2):
        wait_for(lambda target=searched + 10 * (kill + 1): lines(notes) >= target, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        assert {finding.severity for finding in examine(open_store(None), "mine")} >= {Severity.PROBLEM}
        process = start("resume", "mine", "--confirm", pause=0.02)
    _, messages = process.communicate()
    assert process.returncode == 0, messages
    again, once = tuner.load_study("mine").confirmation, whole.confirmation
    assert again is not None
    assert once is not None
    assert again.describe() == once.describe()


def test_a_confirmation_that_was_asked_for_is_gone_on_with_by_the_same_command(notes: Path) -> None:
    tuner.run("mine.toml", executor="inline")
    notes.write_text("")
    process = start("confirm", "mine", "--executor", "inline", pause=0.1)
    wait_for(lambda: lines(notes) >= 3, process)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate()
    assert process.returncode == 130
    assert "tuner confirm mine" in messages


def test_what_was_recorded_before_a_kill_is_not_trained_again(notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", pause=0.3)
    wait_for(lambda: lines(notes) >= 5, process)
    process.kill()
    process.communicate()
    before = {(trial.number, epoch) for trial in tuner.load_study("mine").trials for epoch in trial.curve}
    assert before
    notes.write_text("")
    assert finish("mine").returncode == 0
    again = {tuple(map(int, line.split())) for line in notes.read_text().splitlines()}
    assert not before & again


def test_ctrl_c_saves_and_tells_how_to_go_on(notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", pause=0.05)
    wait_for(lambda: lines(notes) >= 5, process)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate()
    assert process.returncode == 130
    assert "tuner resume mine" in messages
    assert "Traceback" not in messages
    states = Counter(trial.state for trial in tuner.load_study("mine").trials)
    assert states[tuner.TrialState.RUNNING] == 0
    assert states[tuner.TrialState.WAITING] == 1
    assert finish("mine").returncode == 0
    assert facts(tuner.load_study("mine")) == facts(uninterrupted("whole"))


def test_sigterm_saves_and_exits_143(notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", pause=0.05)
    wait_for(lambda: lines(notes) >= 5, process)
    process.terminate()
    _, messages = process.communicate()
    assert process.returncode == 143
    assert "tuner resume mine" in messages


def test_ctrl_c_says_at_once_that_the_run_is_stopping(notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", pause=1000)
    wait_for(lambda: lines(notes) >= 1, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    told = next(line for line in process.stderr if line.startswith("stopping"))
    assert "as soon as the epochs that are being trained are over" in told
    assert "a second Ctrl-C stops at once" in told
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_ctrl_c_twice_exits_at_once(notes: Path) -> None:
    process = start("run", "mine.toml", "--executor", "inline", pause=1000)
    wait_for(lambda: lines(notes) >= 1, process)
    while process.poll() is None:  # two signals that are pending together are one
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    _, messages = process.communicate()
    assert process.returncode == 130
    assert "stopped at once; continue with: tuner resume mine" in messages
    assert [trial.state for trial in tuner.load_study("mine").trials] == [tuner.TrialState.WAITING]
    assert "1 interrupted" in asked("status", "mine")
    assert "1 interrupted" in asked("list")
    assert "RUNNING" not in asked("trials", "mine") + asked("trials", "mine", "--json")
    assert "    0  WAITING" in asked("trials", "mine", "--state", "waiting")
    assert "    0" not in asked("trials", "mine", "--state", "running")
    assert finish("mine", "--set", "budget.trials=3").returncode == 0
    assert [trial.state.is_finished for trial in tuner.load_study("mine").trials] == [True] * 3


def test_a_study_of_batched_cohorts_is_killed_and_ends_with_exactly_its_target(workplace: Path) -> None:
    words = ("--trials", "24", "--scheduler", "pbt", "--set", "budget.epochs=9", "--set", "search_space=iris_mlp:space")
    (workplace / "iris_mlp.py").write_text(IRIS_MLP)
    process = start("run", "iris", "--executor", "inline", *words)
    wait_for(lambda: len(recorded_epochs("iris")) >= 40, process)
    process.kill()
    process.communicate()
    before = recorded_epochs("iris")
    outcome = finish("iris", "--executor", "inline")
    assert outcome.returncode == 0, outcome.stderr
    study = tuner.load_study("iris")
    assert [trial.number for trial in study.trials] == list(range(24))
    assert all(trial.state.is_finished for trial in study.trials)
    assert before.items() <= recorded_epochs("iris").items()
    for trial in study.trials:
        assert list(trial.curve) == list(range(1, trial.last_epoch + 1))


def recorded_epochs(name: str) -> dict[tuple[int, int], float]:
    """Return the value of every (trial, epoch) that a study has recorded; none while there is no such study."""
    try:
        study = tuner.load_study(name)
    except tuner.StudyNotFoundError:
        return {}
    return {(trial.number, epoch): value for trial in study.trials for epoch, value in trial.curve.items()}
