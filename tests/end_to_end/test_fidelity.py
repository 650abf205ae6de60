"""A study that counts steps: reports jump, rungs are crossed, and everything speaks of steps."""

from collections.abc import Callable
from pathlib import Path

import pytest

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec, Trial

SPACE = SearchSpace(quality=Choice(5, 1, 2, 3, 4))


def train(trial: Trial) -> None:
    """Reports every 130 steps, which hits no rung, and passes the end of 1,000."""
    for step in range(trial.step + 130, trial.max_step + 130, 130):
        trial.report(accuracy=trial.config["quality"] * step / 10_000, step=step)


@pytest.fixture
def study(tmp_path: Path) -> tuner.Study:
    spec = StudySpec(
        objective=train,
        search_space=SPACE,
        metric="accuracy",
        direction="maximize",
        name="stepwise",
        budget=Budget(steps=1_000, trials=5),
        sampler="grid",
        scheduler={"name": "asha", "min_steps": 200},
        executor="inline",
    )
    return tuner.run(spec, storage=str(tmp_path / "studies.db"))


def test_trials_are_judged_where_they_first_pass_a_rung_and_end_where_they_pass_the_budget(study: tuner.Study) -> None:
    ended = {trial.config["quality"]: (trial.state.name, max(trial.curve)) for trial in study.trials}
    assert ended == {5: ("COMPLETE", 1_040), **dict.fromkeys((1, 2, 3, 4), ("PRUNED", 260))}


def test_status_trials_and_report_speak_of_steps(
    study: tuner.Study, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    place = ("--storage", str(tmp_path / "studies.db"))
    assert "step 1,040" in cli("status", "stepwise", *place)[1]
    header, *rows = cli("trials", "stepwise", *place)[1].splitlines()
    assert " step " in header
    assert any("1,040" in row for row in rows)
    assert study.best_trial.value == pytest.approx(0.52)


def test_the_shipped_objective_is_counted_in_epochs_only(cli: Callable[..., tuple[int, str, str]]) -> None:
    code, _, messages = cli("run", "iris", "--executor", "inline", "--set", "budget.steps=100")
    assert code == 2
    assert "budget.steps: the objective supervised trains epoch by epoch" in messages
