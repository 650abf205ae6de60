"""The command that says which parameters matter."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tuner

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def study(user_folder: Path) -> Iterator[tuner.Study]:
    yield tuner.run("mine.toml", executor="inline", trials=24)
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def test_importance_lists_what_matters_and_says_what_it_was_learned_from(study: tuner.Study, cli: Cli) -> None:
    found = study.importance()
    code, answer, _ = cli("importance", "mine")
    assert code == 0
    lines = answer.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(found.clear)]] == [each.path for each in found.clear]
    assert f"learned from {found.trials} trials" in answer


def test_importance_prints_json(study: tuner.Study, cli: Cli) -> None:
    answer = json.loads(cli("importance", "mine", "--json")[1])
    assert (answer["study"], answer["metric"]) == ("mine", "accuracy")
    assert answer["parameters"] == json.loads(json.dumps(study.importance().describe()))["parameters"]


def test_importance_of_too_few_trials_says_so(user_folder: Path, cli: Cli) -> None:
    tuner.run("mine.toml", name="few", executor="inline", trials=2)
    assert "it takes 10" in cli("importance", "few")[1]
