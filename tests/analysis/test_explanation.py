"""Why a trial is what it is, from what is stored of it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from made_studies import failed, study, trial

from tuner.analysis.explanation import Ending, Explanation, explain
from tuner.domain.config import Config
from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.study_record import EXTENDED
from tuner.domain.trial import Stage, TrialRecord, TrialState
from tuner.domain.trial_history import TrialHistory

NOTHING = TrialHistory(metrics={}, decisions={})


def compared(decision: Decision, epoch: int = 3, **given: Any) -> TrialHistory:
    usual = {"yardstick": Yardstick.BEST, "rung": epoch, "value": 0.5, "needed": 0.75, "compared": 7, "places": 2}
    comparison = Comparison(**{**usual, "decision": decision, **given})
    return TrialHistory(metrics={}, decisions={epoch: (comparison,)})


def ended(state: TrialState, epoch: int, **given: Any) -> TrialRecord:
    return trial(17, state, value=0.5, epoch=epoch, curve={epoch: 0.5}, **given)


def begun(**given: Any) -> tuple[str, ...]:
    origin = Origin(**given)
    return explain(study(), trial(17, origin=origin), NOTHING).why_configuration


ENDINGS = [
    (ended(TrialState.COMPLETE, 27), NOTHING, Ending.TRAINED),
    (ended(TrialState.COMPLETE, 3), NOTHING, Ending.BY_ITSELF),
    (ended(TrialState.COMPLETE, 3), compared(Decision.FINISH), Ending.CONVERGED),
    (ended(TrialState.PRUNED, 3), compared(Decision.STOP), Ending.STOPPED),
    (failed(17, "no such layer"), NOTHING, Ending.FAILED),
    (ended(TrialState.WAITING, 3), NOTHING, Ending.WAITING),
    (ended(TrialState.RUNNING, 3), NOTHING, Ending.RUNNING),
]


@pytest.mark.parametrize(("record", "history", "ending"), ENDINGS, ids=[each[2].value for each in ENDINGS])
def test_what_ended_a_trial_follows_from_its_state_its_curve_and_its_last_decision(
    record: TrialRecord, history: TrialHistory, ending: Ending
) -> None:
    explanation = explain(study(), record, history)
    assert explanation.ending is ending
    assert explanation.why_ended


def test_a_trial_that_ended_before_a_budget_that_has_grown_may_have_been_ended_by_the_budget() -> None:
    early = ended(TrialState.COMPLETE, 3)
    assert explain(study(), early, NOTHING).why_ended == "complete: the objective ended by itself at epoch 3"
    extended = explain(replace(study(), notes={EXTENDED: 27}), early, NOTHING)
    assert extended.why_ended == (
        "complete: the objective ended by itself, or the budget before it was extended, at epoch 3"
    )


def test_a_trial_that_broke_a_constraint_for_good_was_not_stopped_by_the_scheduler() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "parameters <= 10")
    metrics = {"accuracy": 0.5, "parameters": 20.0}
    history = TrialHistory(metrics={1: metrics}, decisions={})
    explanation = explain(study(goal=goal), ended(TrialState.PRUNED, 1, metrics=metrics), history)
    assert explanation.ending is Ending.CONSTRAINT
    assert "parameters <= 10" in explanation.why_ended
    assert not [each for each in explanation.unknown if "compared" in each]


def test_a_waiting_trial_says_what_stopped_the_run() -> None:
    stopped = study(notes={"stopped": "interrupt"})
    assert "SIGINT" in explain(stopped, ended(TrialState.WAITING, 3), NOTHING).why_ended


@pytest.mark.parametrize("cause", StopCause)
def test_a_trial_waits_for_whatever_reason_its_study_has_stopped(cause: StopCause) -> None:
    stopped = study(notes={"stopped": cause.value})
    assert explain(stopped, ended(TrialState.WAITING, 3), NOTHING).why_ended.startswith("waits at epoch 3: the ")


def test_a_trial_that_was_begun_before_origins_were_stored_says_what_is_not_known() -> None:
    explanation = explain(study(), ended(TrialState.PRUNED, 3), NOTHING)
    assert explanation.origin is None
    assert len(explanation.unknown) == 2


def test_trial_0_is_known_to_be_the_default_configuration_in_older_studies_too() -> None:
    origin = explain(study(), trial(0), NOTHING).origin
    assert origin == Origin(kind=OriginKind.DEFAULT)


def test_trial_0_of_another_programs_study_is_a_trial_like_any_other() -> None:
    assert explain(study(spec={}, space=None), trial(0), NOTHING).origin is None


def test_the_default_configuration_continues_where_it_would_have_been_stopped() -> None:
    explanation = explain(study(), trial(0, curve={27: 0.5}), compared(Decision.STOP))
    assert explanation.ending is Ending.TRAINED
    assert "the default configuration continues all the same" in str(explanation)


def test_a_proposal_says_its_sampler_what_that_had_learned_from_and_what_was_rejected() -> None:
    first, second, third = begun(
        kind=OriginKind.MODEL, sampler="gp", observations=14, rejected=2, fixed={"optimizer": "sgd"}
    )
    assert first == "the sampler gp chose it, by its model of 14 trials that had measured something"
    assert second.startswith("2 proposals before it")
    assert third.endswith("optimizer = sgd")


def test_where_all_proposals_were_rejected_it_was_drawn() -> None:
    assert "drawn at random in the end" in begun(kind=OriginKind.MODEL, rejected=3, is_drawn=True)[1]


def test_an_exploit_says_from_which_trial_it_continued_and_after_which_epoch() -> None:
    stages = (Stage(epoch=0, config=Config({})), Stage(epoch=6, config=Config({}), source=4))
    explanation = explain(study(), trial(17, schedule=stages, origin=Origin(kind=OriginKind.RANDOM)), NOTHING)
    assert "after epoch 6" in explanation.why_configuration[-1]
    assert "the state of trial 4" in explanation.why_configuration[-1]


def test_every_kind_of_origin_has_words() -> None:
    for kind in OriginKind:
        assert begun(kind=kind, observations=3, number=1, study="before")


def test_every_yardstick_has_words() -> None:
    for yardstick in Yardstick:
        explanation = explain(study(), trial(17), compared(Decision.CONTINUE, yardstick=yardstick))
        assert ("by all metrics" if yardstick is Yardstick.FRONT else "0.7500") in str(explanation)


def test_the_json_form_is_json_and_has_each_decision_by_its_epoch() -> None:
    explanation: Explanation = explain(study(), ended(TrialState.PRUNED, 3), compared(Decision.STOP))
    answer = json.loads(json.dumps(explanation.describe()))
    assert answer["decisions"]["3"][0]["needed"] == 0.75
    assert answer["ending"] == "stopped"
