"""What a study hands out as its model, as it is stored."""

from dataclasses import replace
from typing import Any

import pytest
from made_studies import study, trial

from tuner.analysis.study_answer import (
    NOTE,
    ModelAnswer,
    SplitAnswer,
    StudyAnswer,
    Training,
    answer_failure,
    study_answer,
)
from tuner.domain.final_model import ReliabilityBin
from tuner.domain.trial import TrialState

BEST = trial(3, TrialState.COMPLETE, value=0.5, epoch=2)


def model(loss: float, *numbers: int) -> ModelAnswer:
    bins = (ReliabilityBin(rows=9, probability=0.75, share=0.5),)
    split = SplitAnswer(value=0.5, low=0.25, high=0.75, rows=9, metrics={"log_loss": loss}, reliability=bins)
    return ModelAnswer(
        members=tuple(Training(study="digits", number=number, epoch=2) for number in numbers),
        validation=split, test=None, weights=10, latency_ms=0.5, calibration={"temperature": 2.0, "threshold": None},
    )  # fmt: skip


def answer(single: float = 0.5, ensemble: float | None = 0.25) -> StudyAnswer:
    return StudyAnswer(
        metric="accuracy", judged_by="log_loss", single=model(single, 3), pool=(),
        ensemble=None if ensemble is None else model(ensemble, 3, 4),
    )  # fmt: skip


def noted(note: Any) -> Any:
    return replace(study(name="digits"), notes={NOTE: note})


def test_an_answer_is_read_as_it_was_stored() -> None:
    stored = answer()
    assert study_answer(noted(stored.describe()), BEST, None) == stored
    assert answer_failure(noted(stored.describe())) == ""


def test_an_answer_whose_single_model_is_another_training_by_now_is_none() -> None:
    assert study_answer(noted(answer().describe()), replace(BEST, number=4), None) is None
    assert study_answer(noted(answer().describe()), None, None) is None


def test_the_ensemble_is_used_where_it_is_no_worse() -> None:
    assert [answer(0.5, other).is_ensemble for other in (0.25, 0.5, 0.75, None)] == [True, True, False, False]


@pytest.mark.parametrize(
    "note", [{"single": 1}, {**answer().describe(), "later": 1}, [1], {**answer().describe(), "pool": 3}]
)
def test_an_answer_that_cannot_be_read_is_none_and_says_so(note: Any) -> None:
    assert study_answer(noted(note), BEST, None) is None
    assert "cannot be read" in answer_failure(noted(note))


def test_why_no_model_was_made_is_said() -> None:
    assert answer_failure(noted({"failure": "no memory"})) == "no memory"
    assert answer_failure(noted(None)) == ""
