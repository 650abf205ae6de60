"""The command that says why a trial is what it is, and the same in Python."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner
from tuner.domain.origin import OriginKind

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def study(user_folder: Path) -> tuner.Study:
    return tuner.run(
        "mine.toml", executor="inline", trials=16, epochs=9, scheduler="asha", sampler="random", start=[{"x": 0.25}]
    )


def test_each_stopped_trial_missed_the_value_that_it_needed_and_the_others_never_did(study: tuner.Study) -> None:
    found = [study.explain(trial.number) for trial in study.trials]
    for explanation in found[1:]:
        comparisons = [each for compared in explanation.decisions.values() for each in compared]
        misses = [study.direction.is_better(each.needed, each.value) for each in comparisons]
        is_stopped = explanation.trial.state is tuner.TrialState.PRUNED
        assert misses == [False] * (len(misses) - is_stopped) + [True] * is_stopped
    assert {each.trial.state for each in found} == {tuner.TrialState.PRUNED, tuner.TrialState.COMPLETE}


def test_the_first_trials_are_the_default_and_what_the_study_was_asked_to_start_with(study: tuner.Study) -> None:
    kinds = [explanation.origin.kind for number in range(3) if (explanation := study.explain(number)).origin]
    assert kinds == [OriginKind.DEFAULT, OriginKind.START, OriginKind.RANDOM]


def test_explain_shows_the_configuration_each_rung_and_the_end(study: tuner.Study, cli: Cli) -> None:
    stopped = next(trial for trial in study.trials if trial.state is tuner.TrialState.PRUNED)
    code, answer, _ = cli("explain", "mine", str(stopped.number))
    assert code == 0
    assert "drew it at random" in answer or "asked to try it" in answer
    assert f"the best 1 of {study.explain(stopped.number).decisions[1][0].compared}" in answer or "stop" in answer
    assert f"stopped by the scheduler asha at epoch {stopped.last_epoch}" in answer


def test_explain_prints_json(study: tuner.Study, cli: Cli) -> None:
    answer = json.loads(cli("explain", "mine", "2", "--json")[1])
    assert (answer["study"], answer["number"], answer["origin"]["kind"]) == ("mine", 2, "random")
    assert answer["decisions"] == json.loads(json.dumps(study.explain(2).describe()))["decisions"]


def test_a_trial_that_there_is_not_is_a_mistake(study: tuner.Study, cli: Cli) -> None:
    code, _, said = cli("explain", "mine", "16")
    assert code == 2
    assert "has no trial 16" in said
    with pytest.raises(KeyError, match="has no trial 16"):
        study.explain(16)
