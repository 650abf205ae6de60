"""Questions about a stored study, answered from its trials alone."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tuner import Choice, Float, SearchSpace
from tuner.analysis.queries import as_json, as_row, failure_reasons, in_state, summarise, top
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Failure, FailureReason, Stage, TrialRecord, TrialState

BEGAN = datetime(2026, 1, 1)  # noqa: DTZ001 - as Optuna stores it
SPACE = SearchSpace(x=Float(0, 1), shape=Choice(flat={}, steep={"slope": Float(1, 4)}))
STEEP = Config({"x": 0.5, "shape": {"name": "steep", "slope": 2.0}})


def study(
    direction: Direction = Direction.MAXIMIZE, space: SearchSpace | None = SPACE, **given: Mapping[str, Any]
) -> StudyRecord:
    return StudyRecord(
        name="s",
        goal=Goal.of("accuracy", direction),
        space=space,
        rules=(),
        spec=given.get("spec", {"budget": {"trials": 3}}),
        source={},
        notes=given.get("notes", {}),
    )


def trial(number: int, value: float | None, state: TrialState = TrialState.COMPLETE, **given: Any) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=STEEP, value=value, **given)


def failed(number: int, message: str) -> TrialRecord:
    failure = Failure(reason=FailureReason.RAISED, message=message)
    return trial(number, None, TrialState.FAIL, failure=failure)


@pytest.mark.parametrize(("direction", "numbers"), [(Direction.MAXIMIZE, [1, 2, 0]), (Direction.MINIMIZE, [0, 1, 2])])
def test_the_best_trials_come_first_and_the_earlier_of_equals_before_the_later(
    direction: Direction, numbers: list[int]
) -> None:
    trials = [trial(2, 0.5), trial(0, 0.25), trial(1, 0.5)]
    assert [each.number for each in top(study(direction), trials, 3)] == numbers
    assert [each.number for each in top(study(direction), trials, 1)] == numbers[:1]


def test_only_a_complete_trial_can_be_the_best() -> None:
    trials = [trial(0, 0.25), trial(1, 0.75, TrialState.PRUNED), trial(2, 0.75, TrialState.RUNNING), failed(3, "no")]
    assert top(study(), trials, 4) == (trials[0],)


def test_a_summary_counts_every_state_and_all_epochs() -> None:
    trials = [
        trial(0, 0.5, curve={1: 0.5, 2: 0.25}),
        trial(1, 0.5, TrialState.PRUNED, curve={1: 0.5}),
        trial(2, 0.5, TrialState.RUNNING, curve={1: 0.5}),
        failed(3, "no"),
    ]
    summary = summarise(study(), trials)
    assert summary.counts == {
        TrialState.WAITING: 0,
        TrialState.RUNNING: 1,
        TrialState.COMPLETE: 1,
        TrialState.PRUNED: 1,
        TrialState.FAIL: 1,
    }
    assert (summary.finished, summary.epochs, summary.target) == (3, 4, 3)


@pytest.mark.parametrize(("finished", "is_complete"), [(2, False), (3, True), (4, True)])
def test_a_study_is_complete_when_its_target_is_reached(finished: int, is_complete: bool) -> None:  # noqa: FBT001
    assert summarise(study(), [trial(number, 0.5) for number in range(finished)]).is_complete is is_complete


def test_a_study_of_plain_optuna_has_no_target_to_reach() -> None:
    summary = summarise(study(spec={}), [trial(0, 0.5)])
    assert summary.target is None
    assert not summary.is_complete


@pytest.mark.parametrize(("direction", "gain"), [(Direction.MAXIMIZE, 0.25), (Direction.MINIMIZE, 0.375)])
def test_the_gain_is_positive_whichever_way_is_better(direction: Direction, gain: float) -> None:
    assert summarise(study(direction), [trial(0, 0.5), trial(1, 0.75), trial(2, 0.125)]).gain == gain


@pytest.mark.parametrize(
    "trials",
    [
        (),
        (trial(1, 0.5),),
        (failed(0, "no"), trial(1, 0.5)),
        (trial(0, 0.5, TrialState.RUNNING),),
    ],
)
def test_there_is_no_gain_without_both_the_default_and_a_best_trial(trials: tuple[TrialRecord, ...]) -> None:
    assert summarise(study(), trials).gain is None


def test_a_test_counts_only_for_the_trial_that_is_still_the_best() -> None:
    tested = study(notes={"test": {"number": 0, "metrics": {"accuracy": 0.25}}})
    assert summarise(tested, [trial(0, 0.5)]).test_metrics == {"accuracy": 0.25}
    assert summarise(tested, [trial(0, 0.5), trial(1, 0.75)]).test_metrics is None


def test_a_test_that_failed_says_why() -> None:
    tested = study(notes={"test": {"number": 0, "failure": "OSError: gone"}})
    summary = summarise(tested, [trial(0, 0.5)])
    assert (summary.test_metrics, summary.test_failure) == (None, "OSError: gone")
    assert summarise(tested, [trial(0, 0.5), trial(1, 0.75)]).test_failure == ""


def test_the_commonest_reason_to_fail_comes_first() -> None:
    trials = [failed(0, "a"), failed(1, "b"), trial(2, 0.5), failed(3, "b")]
    assert failure_reasons(trials) == (("b", 2), ("a", 1))


def test_trials_are_chosen_by_their_state() -> None:
    trials = [trial(0, 0.5), failed(1, "no"), trial(2, 0.5)]
    assert in_state(trials, TrialState.COMPLETE) == (trials[0], trials[2])
    assert in_state(trials, TrialState.WAITING) == ()
    assert in_state(trials, None) == tuple(trials)


def test_a_row_has_parameters_by_path_and_metrics_by_name() -> None:
    took = trial(4, 0.5, epoch=2, metrics={"accuracy": 0.5}, started=BEGAN, finished=BEGAN + timedelta(seconds=3))
    assert as_row(study(), took) == {
        "number": 4,
        "state": "COMPLETE",
        "value": 0.5,
        "epoch": 2,
        "seconds": 3.0,
        "params.x": 0.5,
        "params.shape": "steep",
        "params.shape.steep.slope": 2.0,
        "metrics.accuracy": 0.5,
    }


def test_a_row_of_a_study_without_a_space_has_the_parameters_as_they_are() -> None:
    row = as_row(study(space=None), TrialRecord(number=0, state=TrialState.COMPLETE, config=Config({"any": 1})))
    assert row["params.any"] == 1


def test_a_trial_as_json_can_be_written_down() -> None:
    as_written = json.loads(json.dumps(as_json(study(), trial(4, 0.5, epoch=2, metrics={"accuracy": 0.5}))))
    assert as_written == {
        "number": 4,
        "state": "COMPLETE",
        "value": 0.5,
        "values": [0.5],
        "epoch": 2,
        "config": STEEP,
        "metrics": {"accuracy": 0.5},
    }


def test_a_trial_that_went_on_from_another_has_its_schedule() -> None:
    moved = trial(1, 0.5, schedule=(Stage(epoch=0, config=STEEP), Stage(epoch=3, config=STEEP, source=0)))
    schedule = [{"epoch": 0, "source": None, "config": STEEP}, {"epoch": 3, "source": 0, "config": STEEP}]
    assert as_json(study(), moved)["schedule"] == schedule
    assert json.loads(as_row(study(), moved)["schedule"]) == schedule


def test_a_summary_names_every_trial_that_the_test_split_was_looked_at_for() -> None:
    found = [replace(trial(number, 0.5), config=Config({"x": number / 4})) for number in range(4)]
    once = study(notes={"test": {"number": 3, "metrics": {"accuracy": 0.25}}})
    again = study(notes={"test": {"number": 3, "metrics": {"accuracy": 0.25}, "earlier": [1]}})
    untested = study(notes={"test": {"number": 3}})
    repetitions = [replace(found[number], test_metrics={"accuracy": 0.5}) for number in (0, 2)]
    assert summarise(once, found).tested == (3,)
    assert summarise(again, found).tested == (1, 3)
    assert summarise(untested, found).tested == ()
    assert summarise(again, found, repetitions).tested == (1, 2, 3)  # the default is measured beside a winner
