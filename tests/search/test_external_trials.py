"""Trials that Optuna's own functions add to a study, and how the study goes on with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution

import tuner


@pytest.fixture
def study(user_folder: Path) -> Any:
    """The study as Optuna opens it, after three trials."""
    tuner.run("adopting.toml")
    return optuna.load_study(study_name="adopting", storage=f"sqlite:///{user_folder}/.tuner/studies.db")


def resumed(cli: Callable[..., Any], trials: int = 5) -> tuple[tuner.Study, str]:
    code, shown, said = cli("resume", "adopting", "--trials", str(trials))
    assert code == 0, shown + said
    return tuner.load_study("adopting"), said


def test_an_enqueued_trial_is_trained_with_what_it_was_given_and_the_defaults(
    study: Any, cli: Callable[..., Any]
) -> None:
    study.enqueue_trial({"x": 0.875})
    found, _ = resumed(cli)
    assert found.trials[3].state is tuner.TrialState.COMPLETE
    assert found.trials[3].config == {"x": 0.875, "kind": {"name": "plain"}}
    assert found.trials[3].value == 0.875
    assert len(found.trials) == 5


def test_an_enqueued_trial_shows_its_values_while_it_waits(study: Any) -> None:
    study.enqueue_trial({"x": 0.875, "kind": "deep", "kind.deep.depth": 3})
    waiting = tuner.load_study("adopting").trials[3]
    assert waiting.state is tuner.TrialState.WAITING
    assert waiting.config == {"x": 0.875, "kind": "deep", "kind.deep.depth": 3}


def test_a_trial_that_was_asked_for_and_never_told_is_trained(study: Any, cli: Callable[..., Any]) -> None:
    asked = study.ask({"x": FloatDistribution(0, 1)})
    found, _ = resumed(cli)
    assert found.trials[3].config == {"x": asked.params["x"], "kind": {"name": "plain"}}
    assert found.trials[3].state.is_finished


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"z": 1.0}, "z = 1.0, which this configuration does not have"),
        ({"x": 7.0}, "x = 7.0, and the search space has"),
        ({"kind": "wide"}, "kind = 'wide', and the search space has"),
        ({"kind": "plain", "kind.deep.depth": 2}, "kind.deep.depth = 2, which this configuration does not have"),
    ],
    ids=["unknown", "outside", "option", "branch"],
)
def test_an_enqueued_trial_that_the_space_does_not_have_fails_with_the_reason_and_the_study_goes_on(
    study: Any, cli: Callable[..., Any], given: dict[str, Any], reason: str
) -> None:
    study.enqueue_trial(given)
    found, said = resumed(cli)
    failure = found.trials[3].failure
    assert failure is not None
    assert failure.message.startswith(f"another program added it with {reason}")
    assert "another program added trial 3" in said
    assert [trial.state.is_finished for trial in found.trials] == [True] * 5


def test_nothing_is_learned_from_a_finished_trial_of_another_space(study: Any, cli: Callable[..., Any]) -> None:
    other = optuna.trial.create_trial(value=0.5, params={"z": 5.0}, distributions={"z": FloatDistribution(0, 10)})
    study.add_trial(other)
    found, said = resumed(cli)
    assert found.trials[3].config == {"z": 5.0}
    assert len(found.trials) == 5
    assert "another program added trial 3" in said


def test_a_name_that_optuna_is_told_for_the_metric_changes_nothing(study: Any, cli: Callable[..., Any]) -> None:
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.set_metric_names(["other"])
    found, _ = resumed(cli)
    assert found.metric == "m"
    assert len(found.trials) == 5
