"""What `tuner check` says before anything expensive starts, beside what the queries' tests show of it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tuner
from tuner.cli.check import time_estimate
from tuner.domain.study_folders import StudyFolders
from tuner.running.builder import build_components

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5}


def estimate(seconds: float, parallel: int) -> list[str]:
    spec = tuner.StudySpec(
        objective=train,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="accuracy",
        budget=tuner.Budget(trials=12, epochs=10),
        resources=tuner.Resources(parallel=parallel),
    )
    return [text.plain for text in time_estimate(build_components(spec, Path(), StudyFolders.within(Path())), seconds)]


def test_json_has_the_documented_keys(cli: Cli) -> None:
    answer = json.loads(cli("check", "mine.toml", "--json", "--set", "executor=inline")[1])
    assert list(answer) == [
        *("study", "parameters", "fingerprint", "default", "metrics", "seconds_per_epoch", "data", "notes")
    ]
    assert answer["default"] == {"x": 0.2, "shape": {"name": "flat"}}
    assert list(answer["metrics"]) == ["accuracy", "loss"]


def test_a_default_configuration_that_breaks_a_constraint_for_good_is_noted(user_folder: Path, cli: Cli) -> None:
    (user_folder / "mytask.py").write_text(
        (user_folder / "mytask.py").read_text() + "\ndef sized(trial): yield {'accuracy': 0.5, 'parameters': 11}\n"
    )
    settings = ("executor=inline", "objective=mytask:sized", 'constraints=["parameters <= 10"]')
    words = ("check", "mine.toml", *(word for setting in settings for word in ("--set", setting)))
    assert "note: the default configuration breaks parameters <= 10" in cli(*words)[1]
    assert json.loads(cli(*words, "--json")[1])["notes"][-1] == "the default configuration breaks parameters <= 10"


def test_the_time_of_a_study_istime_estimated_from_a_long_epoch() -> None:
    (said,) = estimate(60, parallel=2)
    assert said.startswith("12 trials without early stopping would take about 1 h 00 m, or less where starting was")


def test_a_short_epochtime_estimates_nothing() -> None:
    assert estimate(4.9, parallel=2) == []


def test_an_objective_that_measures_nothing_is_told(user_folder: Path, cli: Cli) -> None:
    (user_folder / "mytask.py").write_text((user_folder / "mytask.py").read_text() + "\ndef empty(trial): pass\n")
    code, _, messages = cli("check", "mine.toml", "--set", "objective=mytask:empty")
    assert code == 3
    assert "the objective returned nothing: it is to return its metrics" in messages


ODD = """
from tuner import SearchSpace, Float

space = SearchSpace(x=Float(0, 1))

async def coroutine(trial):
    return {"accuracy": 1.0}

class Net:
    def __init__(self, trial):
        pass

def stream(trial):
    yield {"accuracy": 1.0}

made = stream(None)

def nothing(trial):
    pass
"""


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("coroutine", 2, "the objective coroutine is async"),
        ("Net", 2, "the objective Net is a class, and inherits neither"),
        ("made", 2, "give stream itself, without the call"),
        ("nothing", 3, "the objective returned nothing: it is to return its metrics"),
    ],
)
def test_an_objective_of_the_wrong_kind_is_told_by_check_and_run(
    name: str, code: int, words: str, workplace: Path, cli: Cli
) -> None:
    (workplace / "odd.py").write_text(ODD)
    (workplace / "odd.toml").write_text(f'objective="odd:{name}"\nsearch_space="odd:space"\nmetric="accuracy"\n')
    try:
        for command in (("check", "odd.toml"), ("run", "odd.toml", "--trials", "1", "--executor", "inline")):
            ended, _, messages = cli(*command)
            assert (ended, words in messages) == (code, True), messages
    finally:
        sys.modules.pop("odd", None)


def test_a_generator_that_ends_after_one_yield_is_noted_by_check_and_run(workplace: Path, cli: Cli) -> None:
    (workplace / "odd.py").write_text(ODD)
    (workplace / "odd.toml").write_text('objective="odd:stream"\nsearch_space="odd:space"\nmetric="accuracy"\n')
    try:
        told = "ended by itself after a single report, epoch 1 of 27; to train all, report or yield in a loop: for "
        assert told in cli("check", "odd.toml")[1]
        assert cli("run", "odd.toml", "--trials", "2", "--executor", "inline")[2].count(told) == 1
        assert told not in cli("check", "odd.toml", "--set", "budget.epochs=1")[1]
    finally:
        sys.modules.pop("odd", None)
