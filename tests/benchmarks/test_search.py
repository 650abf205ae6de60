import sys
from pathlib import Path

import pytest
from search import installed, measured
from search_quality.environments import PeerUnavailableError
from search_quality.peer_system import PEERS
from search_quality.run_file import RunFile
from search_quality.simulation import Run
from search_quality.table import Key
from tiny_task import tiny_task

TASK = tiny_task()


def key(seed: int) -> Key:
    return (TASK.name, seed, 2, "random+asha")


def test_runs_that_the_file_has_are_not_repeated_and_new_ones_are_added(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    stored = Run(values=(0.0, 0.0, 0.0), incumbents=(0, 0, 0), trials=1, seconds=0.0, busy=1.0)
    RunFile(path).add(key(0), stored)
    runs = measured([key(0), key(1)], {TASK.name: TASK}, {}, path)
    assert runs[key(0)] == stored
    assert runs[key(1)].trials > 1
    assert RunFile(path).read() == runs


def test_a_peer_is_run_by_the_interpreter_of_its_environment() -> None:
    peer: Key = (TASK.name, 0, 2, "optuna_tpe")
    assert measured([peer], {TASK.name: TASK}, {"optuna_tpe": Path(sys.executable)}, None)[peer].trials > 1


def test_a_peer_that_cannot_be_installed_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(script: Path, cache: Path) -> Path:
        raise PeerUnavailableError("no network")

    monkeypatch.setattr("search.interpreter", refuse)
    assert installed(["random+asha", *PEERS], tmp_path) == {}
    assert "optuna_tpe is left out: no network" in capsys.readouterr().err
