"""What is checked before a study runs: errors and warnings, one at a time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import MAXIMIZED, FakeSampler

from tuner import Budget, Choice, Direction, Float, Resources, SearchSpace, StudySpec
from tuner.domain.command import Command
from tuner.domain.goal import Goal
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Isolation
from tuner.execution.generator import GeneratorObjective
from tuner.objectives.language import Language
from tuner.objectives.supervised import Supervised
from tuner.running.checks import (
    ineffective_cohort,
    ineffective_priors,
    questionable_choices,
    unending,
    unrankable,
    unrepeatable,
    unusual_space_size,
    unwritable_folders,
)
from tuner.samplers.grid import Grid

LARGE = SearchSpace(x=Float(0, 1))
SMALL = SearchSpace(x=Choice(1, 2, 3))


def spec(**keys: Any) -> StudySpec:
    return StudySpec(**{"objective": "supervised", "search_space": "mlp", "metric": "accuracy", **keys})


def test_a_space_with_fewer_configurations_than_trials_is_a_warning() -> None:
    few, many = spec(budget=Budget(trials=3, epochs=1)), spec(budget=Budget(trials=4, epochs=1))
    assert not [*unusual_space_size(few, SMALL, FakeSampler(SMALL))]
    assert not [*unusual_space_size(many, LARGE, FakeSampler(LARGE))]
    (warning,) = unusual_space_size(many, SMALL, FakeSampler(SMALL))
    assert warning.startswith("the search space has 3 configurations, fewer than the 4 trials")


def test_priors_that_a_grid_leaves_unused_are_a_warning() -> None:
    guessed = SearchSpace(x=Choice(1, 2, 3, prior=2))
    (warning,) = ineffective_priors(guessed, Grid(guessed, MAXIMIZED, 0))
    assert "a grid tries its configurations in a fixed order" in warning
    assert not [*ineffective_priors(guessed, FakeSampler(guessed))]
    assert not [*ineffective_priors(SMALL, Grid(SMALL, MAXIMIZED, 0))]


def test_a_metric_that_is_taken_the_other_way_round_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    minimized = spec(direction=Direction.MINIMIZE)
    (warning,) = questionable_choices(minimized, {}, Goal.of("accuracy", Direction.MINIMIZE))
    assert warning == "accuracy is usually to maximize, this study is to minimize it"
    assert not [*questionable_choices(spec(direction=Direction.MAXIMIZE), {}, MAXIMIZED)]


def test_a_cohort_of_functions_that_have_a_process_each_is_a_warning() -> None:
    wide = spec(resources=Resources(cohort=4))
    (warning,) = ineffective_cohort(wide, Isolation.TRIAL)
    assert warning.startswith("cohort = 4 has no effect")
    assert not [*ineffective_cohort(wide, Isolation.COHORT)]
    assert not [*ineffective_cohort(spec(), Isolation.TRIAL)]


def test_what_cannot_train_in_ranks_is_refused_with_the_reason() -> None:
    def problems(objective: Any, built: Any = None, **resources: Any) -> str:
        return "\n".join(unrankable(spec(objective=objective, resources=Resources(ranks=2, **resources)), built))

    assert "a command starts its ranks itself" in problems(Command(words=("train",)))
    assert "asks and tells" in problems("")
    assert "the objective supervised trains in one process" in problems(
        "supervised", Supervised({"dataset": "digits"}, 0)
    )
    assert not problems("language", Language({"dataset": str(Path(__file__).parent)}, 0))
    assert not problems("mine:train", GeneratorObjective(lambda trial: {"loss": 0.0}))
    assert "resources.gpu: 0.5 of each rank" in problems("mine:train", gpu=0.5)
    assert "resources.share_process" in problems("mine:train", share_process=True)
    assert not [*unrankable(spec(objective=""), None)]
    (warning,) = ineffective_cohort(spec(resources=Resources(cohort=4, ranks=2)), Isolation.TRIAL)
    assert warning == "cohort = 4 has no effect: with resources.ranks = 2 every trial has processes of its own"


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    folders = StudyFolders.within(tmp_path)
    assert not [*unwritable_folders(folders)]
    file = tmp_path / "file"
    file.touch()
    (error,) = unwritable_folders(replace(folders, logs=file / "mine"))
    assert error == f"{file}, for what trials print, is not a folder: change its rights, or move it away"


def test_one_value_cannot_end_a_study_of_several_metrics() -> None:
    several = StudySpec(
        objective="supervised",
        search_space="mlp",
        metrics=["accuracy", "loss"],
        budget=Budget(target=0.9, patience=3, until="no gain"),
    )
    goal = Goal(metrics=("accuracy", "loss"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
    assert [problem.partition(":")[0] for problem in unending(several, goal)] == [
        "budget.target",
        "budget.patience",
        "budget.until",
    ]
    assert not [*unending(several, MAXIMIZED)]


def test_what_depends_on_the_machine_or_on_later_trials_cannot_be_reproducible() -> None:
    asked = Resources(parallel_mode="reproducible", cohort=4)
    told = spec(objective="", search_space=SMALL, resources=asked)
    problems = [*unrepeatable(told, exploits=True)]
    assert [problem.partition(":")[0] for problem in problems] == [
        "resources.parallel",
        "resources.cohort",
        "scheduler asha",
        'resources.parallel_mode = "reproducible"',
    ]
    assert not [*unrepeatable(spec(resources=replace(asked, parallel=4, cohort="auto")), exploits=False)]
    assert not [*unrepeatable(spec(resources=Resources(cohort=4)), exploits=True)]
