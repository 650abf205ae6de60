"""`tuner submit`, `work` and `list --running`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _study(workplace: Path) -> None:
    (workplace / "mistaken.toml").write_text('objective = "supervised"\nsearch_space = "mlp"\nmetrik = "accuracy"\n')


def test_what_is_submitted_is_listed_and_worked_off(cli: Cli) -> None:
    assert cli("list", "--running")[1].startswith("no process runs a study of ")
    few = ("--trials", "1", "--set", "budget.epochs=1", "--set", "executor=inline")
    code, answer, _ = cli("submit", "digits", "--name", "one", *few)
    assert code == 0
    assert answer.endswith("run it with: tuner work\n")
    assert json.loads(cli("submit", "digits", "--name", "two", "--priority", "3", "--json", *few)[1])["priority"] == 3
    table = cli("list", "--running")[1].splitlines()
    assert [line.split()[0] for line in table] == ["study", "two", "one"]
    assert "waits, submitted by" in table[1]
    with open_store(None).holding("two"):
        rows = json.loads(cli("list", "--running", "--json")[1])
    assert [(row["study"], row["run_by"] is None, row["priority"]) for row in rows] == [
        ("two", False, 3),
        ("one", True, 0),
    ]
    code, answer, messages = cli("work", "--until-empty", "--executor", "inline")
    assert code == 0, messages
    assert answer.index("best two") < answer.index("best one")
    assert cli("list", "--running")[1].startswith("no process runs a study of ")


def test_a_study_that_waits_is_said_to_wait_and_not_to_need_a_resume(cli: Cli) -> None:
    assert cli("submit", "digits", "--name", "one", "--trials", "1", "--set", "executor=inline")[0] == 0
    status = cli("status", "one")[1]
    assert "it waits in the queue; a worker runs it: tuner work" in status
    assert "resume" not in status
    for words in (("stop", "one"), ("pause", "one"), ("extend", "one", "--trials", "9")):
        code, _, messages = cli(*words)
        assert code == 2
        assert "study 'one' waits in the queue, and no worker runs it now" in messages
        assert "tuner delete one takes it out" in messages


def test_a_study_with_mistakes_is_not_submitted(cli: Cli) -> None:
    code, _, messages = cli("submit", "mistaken.toml")
    assert code == 2
    assert "did you mean 'metric'" in messages
    assert open_store(None).names == ()
