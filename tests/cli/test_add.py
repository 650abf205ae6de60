"""`tuner add`: configurations as JSON or from files, what is said of them, and what is wrong with them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _study(workplace: Path) -> None:
    space = tuner.SearchSpace(lr=tuner.Float(0, 1, default=0.5), width=tuner.Int(16, 64, default=32))
    tuner.create_study(space, metric="loss", direction="minimize", name="mine", trials=9).close()


def waiting() -> list[dict[str, object]]:
    return [dict(each.config) for each in open_store(None).queue("mine").waiting()]


def test_configurations_are_given_as_json_and_in_files(cli: Cli, workplace: Path) -> None:
    (workplace / "more.json").write_text('[{"width": 17}, {"lr": 0.25, "width": 18}]')
    code, answer, messages = cli("add", "mine", "--config", '{"lr": 0.125}', "--config", "more.json")
    assert code == 0
    assert answer.splitlines() == [
        "added to mine: lr=0.125 width=32 (1 parameter by default: width)",
        "added to mine: lr=0.5 width=17 (1 parameter by default: lr)",
        "added to mine: lr=0.25 width=18",
    ]
    assert "nothing runs the study now; continue with: tuner.create_study(..., name='mine', resume=True)" in messages
    assert waiting() == [{"lr": 0.125, "width": 32}, {"lr": 0.5, "width": 17}, {"lr": 0.25, "width": 18}]


def test_json_says_what_was_added_and_what_was_not(cli: Cli) -> None:
    cli("add", "mine", "--config", '{"lr": 0.125}')
    code, answer, _ = cli("add", "mine", "--json", "--config", '{"lr": 0.125}', "--config", '{"lr": 0.25}')
    assert code == 0
    assert json.loads(answer) == {
        "study": "mine",
        "added": [{"lr": 0.25, "width": 32}],
        "notes": ["config[0] is not added: the same one waits already"],
    }


def test_mistakes_are_said_together_and_nothing_is_added(cli: Cli) -> None:
    words = [f"--config={each}" for each in ('{"lr": ', "nowhere.json", '["lr"]', '{"lr": 0.1}')]
    code, answer, messages = cli("add", "mine", *words)
    assert (code, answer) == (2, "")
    for part in ("is no JSON: ", "nowhere.json: is no JSON, and cannot be read", "is not an object of parameters"):
        assert part in messages
    code, _, messages = cli("add", "mine", "--config", '{"lr": 3, "wide": 1}')
    assert code == 2
    assert "config[0].lr: 3 is not in" in messages
    assert "did you mean 'width'" in messages
    assert waiting() == []
    assert cli("add", "yours", "--config", "{}")[0] == 2
