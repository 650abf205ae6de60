"""A study that is resumed with a longer budget for each trial: what was complete continues, where it can."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec, Trial
from tuner.domain.errors import ConfigurationError

SPACE = SearchSpace(quality=Choice(5, 1, 2))


def saving(trial: Trial) -> None:
    """Reports every 100 steps, with what it has counted, and saves where its configuration is among the better ones."""
    state = trial.load() or {"counted": torch.zeros(1)}
    counted = float(state["counted"])
    for step in range(trial.step + 100, trial.max_step + 1, 100):
        counted += 100
        if trial.config["quality"] > 1:
            trial.save({"counted": torch.tensor([counted])})
        trial.report(accuracy=trial.config["quality"] * counted / 10_000, step=step)


def spec() -> StudySpec:
    return StudySpec(
        objective=saving,
        search_space=SPACE,
        metric="accuracy",
        direction="maximize",
        name="short",
        budget=Budget(steps=300, trials=3),
        sampler="grid",
        scheduler="none",
        executor="inline",
    )


@pytest.fixture
def storage(tmp_path: Path) -> str:
    place = str(tmp_path / "studies.db")
    tuner.run(spec(), storage=place)
    return place


def test_complete_trials_continue_from_their_checkpoints_and_the_others_are_left(
    storage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tuner.load_study("short", storage=storage, spec=spec())
    study.resume(steps=500)
    trials = tuner.load_study("short", storage=storage).trials
    assert {each.state.name for each in trials} == {"COMPLETE"}
    assert {each.config["quality"]: each.epoch for each in trials} == {5: 500, 1: 300, 2: 500}
    assert study.best_trial.value == pytest.approx(0.25)
    assert list(study.learning_curves()[0]) == [100, 200, 300, 400, 500]


def test_it_is_said_how_many_continue(storage: str, cli: Callable[..., tuple[int, str, str]]) -> None:
    code, _, messages = cli("resume", "short", "--steps", "500", "--storage", storage, "--trust")
    assert code == 0, messages
    assert "2 complete trials continue to step 500, 1 is left as before" in " ".join(messages.split())


def test_complete_trials_of_a_study_that_has_ended_early_stay_complete(storage: str) -> None:
    ended = tuner.load_study("short", storage=storage, spec=replace(spec(), budget=Budget(steps=300, target=0.01)))
    with pytest.raises(ConfigurationError, match=r"has ended, a trial has reached .*budget\.target, 0\.01"):
        ended.resume(steps=500)
    assert {each.state.name for each in ended.refresh().trials} == {"COMPLETE"}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--steps", "--steps: 200 is below the 300 steps of study 'short'"),
        ("--epochs", "--epochs: study 'short' counts steps: use --steps"),
    ],
)
def test_a_shorter_budget_or_another_unit_is_refused(
    option: str, words: str, storage: str, cli: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, messages = cli("resume", "short", option, "200", "--storage", storage, "--trust")
    assert code in {2, 5}
    assert words in " ".join(messages.split())
    assert "mistakes" not in messages


def test_another_unit_is_the_only_mistake_where_the_scheduler_has_options_in_the_studys(
    workplace: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    asked = replace(spec(), scheduler={"name": "asha", "min_steps": 100}, name="rungs")
    tuner.run(asked)
    code, _, messages = cli("resume", "rungs", "--epochs", "500", "--trust")
    assert code == 2
    assert "--epochs: study 'rungs' counts steps: use --steps" in " ".join(messages.split())
    assert "min_steps" not in messages
    with pytest.raises(ConfigurationError) as raised:
        tuner.load_study("rungs", spec=asked).resume(epochs=500)
    assert raised.value.problems == ("epochs: study 'rungs' counts steps: use --steps, or steps=... in Python",)


def ending_early(trial: Trial) -> None:
    """Reports as `range(0, max_step, 60)` does, so that its last report is before the budget."""
    for step in range(60, trial.max_step, 60):
        trial.report(accuracy=step / 1000, step=step)


def test_trials_that_ended_before_the_budget_are_left_and_it_is_said_although_nothing_is_left_to_do(
    workplace: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    tuner.run(replace(spec(), objective=ending_early, budget=Budget(steps=200, trials=2), name="loop"))
    code, _, messages = cli("resume", "loop", "--steps", "300", "--trust")
    assert code == 0, messages
    said = " ".join(messages.split())
    assert "0 complete trials continue to step 300, 2 are left as before: they had ended before step 200; " in said
    assert "new trials are trained to step 300 nothing left to do" in said
    code, _, messages = cli("resume", "loop", "--steps", "100", "--trust")
    assert "--steps: 100 is below the 300 steps of study 'loop'" in " ".join(messages.split())


def test_the_longer_budget_stays_the_studys(storage: str, cli: Callable[..., tuple[int, str, str]]) -> None:
    study = tuner.load_study("short", storage=storage, spec=spec())
    study.resume(steps=500)
    code, _, messages = cli("resume", "short", "--trials", "3", "--storage", storage, "--trust")
    assert code == 0, messages
    assert "nothing left to do" in messages


@pytest.mark.usefixtures("workplace")
def test_a_study_of_a_unit_of_its_own_is_opened_again_by_the_same_call() -> None:
    asked: dict[str, Any] = {"name": "asked", "metric": "loss", "direction": "minimize", "trials": 3, "resume": True}

    def opened(amount: int) -> tuner.AskTellStudy:
        return tuner.create_study(SPACE, **asked, unit="trees", amount=amount)

    with opened(90) as study:
        trial = study.ask()
        assert trial is not None
        assert (trial.step, trial.max_step, trial.unit.value) == (0, 90, "trees")
        trial.report(loss=0.5, step=30)
    with opened(90) as study:
        trial = study.ask()
        assert trial is not None
        assert (trial.step, trial.epoch, trial.max_step) == (30, 30, 90)
    with opened(180) as study:
        trial = study.ask()
        assert trial is not None
        assert trial.max_step == 180
    with pytest.raises(ConfigurationError, match="counts trees"):
        tuner.create_study(SPACE, **asked, unit="leaves", amount=90)
