"""What a study hands out, as it is stored."""

import json
from dataclasses import replace

import pytest
from made_studies import trial

from tuner.analysis.study_answer import (
    NOTE,
    ModelAnswer,
    SplitAnswer,
    StudyAnswer,
    Training,
    answer_failure,
    study_answer,
)
from tuner.domain.final_model import SplitScores
from tuner.domain.goal import Goal
from tuner.domain.row_values import RowValues
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord

STUDY = StudyRecord(
    name="study",
    goal=Goal.of("accuracy", Direction.MAXIMIZE),
    space=None,
    rules=(),
    spec={"budget": {"trials": 3}},
    source={},
    notes={},
)


def split(accuracy: float, log_loss: float) -> SplitAnswer:
    rows = RowValues.of([1.0] * round(100 * accuracy) + [0.0] * round(100 * (1 - accuracy)))
    return SplitAnswer.of(SplitScores(metrics={"accuracy": accuracy, "log_loss": log_loss}, rows=rows), "accuracy")


def model(accuracy: float, log_loss: float, *numbers: int) -> ModelAnswer:
    return ModelAnswer(
        members=tuple(Training(study="study", number=number, epoch=2) for number in numbers),
        validation=split(accuracy, log_loss),
        test=None,
        weights=10,
        latency_ms=0.1,
        calibration={"temperature": 1.2, "threshold": None},
    )


ANSWER = StudyAnswer(
    metric="accuracy",
    judged_by="log_loss",
    single=model(0.9, 0.4, 1),
    ensemble=model(0.8, 0.3, 1, 2),
    pool=(Training(study="study", number=1, epoch=2), Training(study="study", number=2, epoch=2)),
)
BEST = replace(trial(1, value=0.9), epoch=2)


def stored(content: object) -> StudyRecord:
    return replace(STUDY, notes={NOTE: json.loads(json.dumps(content))})


def test_an_answer_is_read_as_it_was_stored() -> None:
    assert study_answer(stored(ANSWER.describe()), BEST, None) == ANSWER


@pytest.mark.parametrize("ensemble", [model(0.8, 0.3, 1, 2), model(0.95, 0.5, 1, 2)])
def test_the_ensemble_is_used_where_there_is_one_whatever_the_luckiest_training_measures(ensemble: ModelAnswer) -> None:
    answer = replace(ANSWER, ensemble=ensemble)
    assert answer.is_ensemble
    assert answer.used is ensemble
    alone = replace(ANSWER, ensemble=None, why_single="answer.ensemble is false")
    assert not alone.is_ensemble
    assert alone.used is alone.single


def test_an_answer_of_before_trainings_on_all_rows_is_read() -> None:
    described = ANSWER.describe()
    for each in (described["single"], described["ensemble"]):
        del each["all_rows"]
    assert study_answer(stored(described), BEST, None) == ANSWER


def test_an_answer_of_another_training_than_the_best_is_none() -> None:
    assert study_answer(stored(ANSWER.describe()), replace(BEST, number=2), None) is None
    assert study_answer(stored(ANSWER.describe()), replace(BEST, epoch=3), None) is None
    assert study_answer(STUDY, BEST, None) is None


def test_a_value_has_an_interval_for_new_rows_within_the_bounds_of_its_metric() -> None:
    found = split(0.95, 0.2)
    assert found.rows == 100
    assert found.estimate.low < 0.95 < found.estimate.high <= 1
    assert found.estimate.claim == "on new rows"


def test_why_no_model_was_made_is_kept() -> None:
    study = stored({"failure": "the weights are gone"})
    assert answer_failure(study) == "the weights are gone"
    assert study_answer(study, BEST, None) is None


@pytest.mark.parametrize(
    "note", [{"single": 1}, {**ANSWER.describe(), "later": 1}, [1], {**ANSWER.describe(), "pool": 3}]
)
def test_an_answer_that_cannot_be_read_is_none_and_says_so(note: object) -> None:
    assert study_answer(stored(note), BEST, None) is None
    assert "cannot be read" in answer_failure(stored(note))


def test_why_no_model_was_made_is_said() -> None:
    assert answer_failure(stored({"failure": "no memory"})) == "no memory"
    assert answer_failure(stored(None)) == ""
