"""Which trial's weights are a study's model."""

import json
from pathlib import Path

import pytest

import tuner
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, NoUsableTrialError
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.models.selection import chosen
from tuner.storage.location import locate

PLACE = locate("studies.db")

STUDY = StudyRecord(
    name="study",
    goal=Goal.of("loss", Direction.MINIMIZE),
    space=None,
    rules=(),
    spec={"budget": {"trials": 3}},
    source={},
    notes={},
)


def trial(number: int, value: float | None, config: int, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    epoch = 0 if value is None else 2
    return TrialRecord(number=number, state=state, config=Config({"x": config}), value=value, epoch=epoch)


SEARCH = [trial(0, 0.5, 0), trial(1, 0.1, 1), trial(2, 0.2, 2), trial(3, None, 3, TrialState.FAIL)]


def test_without_repetitions_it_is_the_best_trial_itself() -> None:
    found = chosen(PLACE, STUDY, SEARCH)
    assert (found.study, found.trial.number, found.training) == ("study", 1, SEARCH[1])


def test_a_confirmed_winner_is_represented_by_its_best_repetition() -> None:
    repetitions = [trial(0, 0.9, 1), trial(1, 0.8, 1), trial(2, 0.4, 2), trial(3, 0.3, 2), trial(4, 0.6, 2)]
    found = chosen(PLACE, STUDY, SEARCH, repetitions)
    assert (found.study, found.trial.number, found.training) == ("study:confirm", 2, repetitions[3])


def test_what_was_found_since_the_confirmation_goes_before_it() -> None:
    found = chosen(PLACE, STUDY, [*SEARCH, trial(4, 0.05, 4)], [trial(0, 0.4, 2), trial(1, 0.3, 2)])
    assert (found.study, found.training.number) == ("study", 4)


def test_a_trial_that_is_asked_for_is_represented_by_itself() -> None:
    found = chosen(PLACE, STUDY, SEARCH, [trial(0, 0.4, 2), trial(1, 0.3, 2)], number=2)
    assert (found.study, found.training) == ("study", SEARCH[2])


@pytest.mark.parametrize(("number", "problem"), [(3, "has measured nothing"), (9, r"has no trial 9 \(it has 4\)")])
def test_a_trial_without_a_model_cannot_be_asked_for(number: int, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        chosen(PLACE, STUDY, SEARCH, number=number)


def test_a_study_without_a_usable_trial_has_no_model() -> None:
    with pytest.raises(NoUsableTrialError, match="no trial to make a model of"):
        chosen(PLACE, STUDY, SEARCH[3:])


def test_the_model_of_a_confirmed_study_is_exported_with_what_its_repetitions_say(tmp_path: Path) -> None:
    study = tuner.run("iris", storage=str(tmp_path / "studies.db"), executor="inline", trials=2, epochs=1)
    study.confirm(top=2, seeds=2)
    assert study.confirmation is not None
    said = json.loads((study.export(tmp_path / "model") / "model.json").read_text())
    assert said["study"]["confirmed"]
    repetition = min(study.confirmation.winner.complete, key=lambda each: each.value or 0.0)
    assert said["metrics"]["validation"] == dict(repetition.metrics)
    assert said["metrics"]["test"] == dict(repetition.test_metrics or {})
    expected = study.confirmation.test["accuracy"]
    assert said["metrics"]["test, 2 trainings"]["accuracy"] == {
        "mean": expected.mean,
        "low": expected.low,
        "high": expected.high,
        "rows": expected.rows,
    }
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| metric | validation | test | validation, 2 trainings | test, 2 trainings |" in card
    assert "trained again with fresh seeds" in card
