"""`tuner delete`: it says what goes, asks who can answer, and needs --yes of all others."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tuner
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

Cli = Callable[..., tuple[int, str, str]]


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    trial.save({"x": trial.config["x"]})
    yield {"score": trial.config["x"]}


@pytest.fixture(autouse=True)
def study(workplace: Path) -> tuner.Study:
    spec = tuner.StudySpec(
        objective=train,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        name="mine",
        budget=tuner.Budget(trials=2, epochs=1),
        executor="inline",
    )
    return tuner.run(spec)


def names() -> tuple[str, ...]:
    return open_store(None).names


def test_without_anybody_to_ask_it_says_what_would_go_and_deletes_nothing(cli: Cli) -> None:
    code, answer, told = cli("delete", "mine")
    assert code == 2
    assert answer == ""
    assert "mine: 2 trials, 3 files, " in told
    assert "checkpoints/mine" in told
    assert "studies.db stays as large as it is" in told
    assert "tuner delete mine --yes" in told
    assert names() == ("mine",)


def test_with_yes_it_deletes_and_says_what(cli: Cli) -> None:
    code, answer, _ = cli("delete", "mine", "--yes")
    assert code == 0
    assert answer.startswith("deleted mine: 2 trials, 3 files, ")
    assert names() == ()
    assert cli("delete", "mine", "--yes")[0] == 2


@pytest.mark.parametrize(("said", "left"), [("n", ("mine",)), ("y", ())])
def test_on_a_terminal_it_asks(said: str, left: tuple[str, ...]) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{said}\n".encode())
    command = [sys.executable, "-m", "tuner.cli", "delete", "mine"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=True)
    assert "Delete it for good? [y/N]" in done.stderr
    assert names() == left


def test_a_study_that_runs_is_refused_with_who_runs_it(cli: Cli) -> None:
    with open_store(None).holding("mine"):
        code, _, told = cli("delete", "mine", "--yes")
    assert code == 5
    assert f"study 'mine' runs already, in process {os.getpid()}" in told
    assert names() == ("mine",)
