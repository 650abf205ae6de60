"""The Python interface, beside what the end-to-end tests show of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import MAXIMIZED

import tuner
from tuner import NoUsableTrialError, TrialState
from tuner.api import no_usable_trial
from tuner.domain.errors import ConfigurationError, StudyExistsError
from tuner.domain.record import StudyRecord
from tuner.storage.location import locate


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def scored(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"] * trial.settings.get("factor", 1)}


def failing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


def spec(objective: object = scored, name: str = "") -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=objective,  # type: ignore[arg-type]
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1, default=0.5)),
        metric="score",
        name=name,
        budget=tuner.Budget(trials=3, epochs=1),
        executor="inline",
    )


def test_a_study_without_a_name_is_called_like_its_objective() -> None:
    assert tuner.run(spec()).name == "scored"
    assert tuner.load_study("scored").metric == "score"


def test_overrides_count_and_those_that_are_none_do_not() -> None:
    study = tuner.run("mine.toml", name="other", executor="inline", trials=2, epochs=1, seed=None)
    assert study.name == "other"
    assert [list(trial.curve) for trial in study.trials] == [[1], [1]]


def test_settings_reach_the_objective() -> None:
    study = tuner.run(spec(), settings={"factor": 10})
    assert study.trials[0].value == 5


def test_an_override_that_does_not_exist_is_refused_before_anything_is_written(user_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="trails"):
        tuner.run("mine.toml", executor="inline", trails=3)  # type: ignore[call-arg]
    assert not (user_folder / ".tuner").exists()


def test_a_name_that_is_taken_is_refused_and_the_study_can_go_on() -> None:
    tuner.run(spec())
    with pytest.raises(StudyExistsError):
        tuner.run(spec())
    assert len(tuner.load_study("scored").trials) == 3


def test_a_study_is_what_it_was_when_it_was_loaded_until_it_looks_again() -> None:
    study = tuner.run("mine.toml", executor="inline", trials=2)
    tuner.load_study("mine").resume(trials=3)
    assert len(study.trials) == 2
    assert len(study.refresh().trials) == 3


def test_a_study_is_kept_where_it_was_asked_to_be(user_folder: Path) -> None:
    place = str(user_folder / "elsewhere.db")
    study = tuner.run(spec(), storage=place)
    assert len(study.resume(trials=4).trials) == 4
    assert tuner.load_study("scored", place).trials == study.trials
    with pytest.raises(KeyError):
        tuner.load_study("scored")


def test_a_study_whose_trials_all_failed_says_why_they_did() -> None:
    study = tuner.run(spec(failing))
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 3
    with pytest.raises(NoUsableTrialError, match="3 failed with: RuntimeError: no such layer"):
        _ = study.best_trial
    assert study.top(3) == ()
    assert repr(study) == "Study('failing', 3 trials, no usable trial)"


def test_a_study_without_a_complete_trial_and_without_a_failure_says_how_to_go_on() -> None:
    study = StudyRecord(name="waiting", goal=MAXIMIZED, space=None, rules=(), spec={}, source={}, notes={})
    error = no_usable_trial(locate(None), study, ())
    assert (error.message, error.hint) == ("no trial of study 'waiting' is complete", "tuner resume waiting")


def test_curves_of_a_metric_that_nobody_measured_are_empty() -> None:
    study = tuner.run("mine.toml", executor="inline", trials=2)
    assert study.learning_curves("unheard_of") == {0: {}, 1: {}}


def test_a_dataframe_has_the_values_of_the_trials() -> None:
    study = tuner.run(spec())
    frame = study.to_dataframe()
    assert list(frame["number"]) == [0, 1, 2]
    assert list(frame["params.x"]) == [trial.config["x"] for trial in study.trials]
    assert list(frame["metrics.score"]) == [trial.value for trial in study.trials]
