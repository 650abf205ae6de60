"""Options of schedulers, which are called after the unit of the study."""

from pathlib import Path
from typing import Any

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Budget, Direction, StudySpec
from tuner.running.lookup import find_scheduler

LOSS = Goal.of("loss", Direction.MINIMIZE)


def found(name: str, budget: Budget, **options: Any) -> Scheduler:
    scheduler = {"name": name, **options}
    spec = StudySpec(objective="mine:it", search_space="mine:space", metric="loss", budget=budget, scheduler=scheduler)
    return find_scheduler(spec, LOSS, Path())


def test_an_option_that_counts_epochs_is_called_after_the_unit() -> None:
    assert found("asha", Budget(steps=9_000), min_steps=1_000).decision_epochs(0) == (1_000, 3_000)
    assert found("asha", Budget(tokens=9_000), min_tokens=1_000).decision_epochs(0) == (1_000, 3_000)


def test_in_another_unit_the_first_rung_follows_from_the_budget() -> None:
    assert found("asha", Budget(steps=27_000)).decision_epochs(0) == (1_000, 3_000, 9_000)
    assert found("pbt", Budget(steps=9_000)).decision_epochs(0) == tuple(range(1_000, 9_000, 1_000))
    assert found("asha", Budget(epochs=27_000)).decision_epochs(0)[:2] == (1, 3)  # type: ignore[index]


def test_an_option_in_epochs_is_unknown_where_the_study_counts_steps() -> None:
    with pytest.raises(ConfigurationError, match="unknown option 'min_epochs'; did you mean 'min_steps'"):
        found("asha", Budget(steps=9_000), min_epochs=1)


def test_mistakes_in_options_name_the_unit() -> None:
    with pytest.raises(ConfigurationError) as caught:
        found("asha", Budget(steps=9_000), min_steps=10_000, warm_up=9_000)
    assert caught.value.problems == (
        "scheduler.min_steps: 10000 is above budget.steps, 9000",
        "scheduler.warm_up: 9000 is not below budget.steps, 9000: no trial would be stopped",
    )
