"""A sampler that is shown results in the order of the trials proposes the same whichever of them was faster."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from fakes import FakeSampler
from simulated_search import PLANE, Simulation

from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.delayed_sampler import DelayedSampler

Study = list[tuple[object, ...]]


def what_matters(trials: list[TrialRecord]) -> Study:
    """All of the trials but when they ran."""
    return [(each.number, each.state, each.config, dict(each.curve), each.value, each.origin) for each in trials]


def study(sampler: str, scheduler: str, seed: int, *, interrupted: float = 0.0, together: int = 1) -> Study:
    found = Simulation(sampler, scheduler).run(Random(seed), interrupted=interrupted, together=together)
    return what_matters(found)


@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "median", "patience"])
@pytest.mark.parametrize("sampler", ["tpe", "random", "cma_es"])
def test_shuffled_orders_of_finishing_give_the_same_study(sampler: str, scheduler: str) -> None:
    studies = [study(sampler, scheduler, seed) for seed in range(4)]
    assert all(each == studies[0] for each in studies)


def test_the_default_sampler_gives_the_same_study_in_any_order() -> None:
    assert study("auto", "asha", 0) == study("auto", "asha", 1, interrupted=0.1, together=3)


@pytest.mark.parametrize("scheduler", ["asha", "median", "patience"])
def test_a_study_that_is_interrupted_again_and_again_is_the_same(scheduler: str) -> None:
    whole = study("tpe", scheduler, 0)
    assert study("tpe", scheduler, 1, interrupted=0.2) == whole


@pytest.mark.parametrize("scheduler", ["asha", "patience"])
def test_which_epochs_are_reported_together_does_not_matter(scheduler: str) -> None:
    # Between the epochs at which a trial is judged, as far as a stop goes; the rest of the curve is the worker's.
    alone = Simulation("tpe", scheduler).run(Random(0))
    together = Simulation("tpe", scheduler).run(Random(1), together=2)
    assert [each.config for each in together] == [each.config for each in alone]
    assert [each.state for each in together] == [each.state for each in alone]


def test_without_the_delay_the_order_matters() -> None:
    studies = [what_matters(Simulation("tpe", "asha", in_order=False).run(Random(seed))) for seed in range(4)]
    assert any(each != studies[0] for each in studies)


@pytest.mark.parametrize("end", [{"target": 0.93}, {"patience": 6}])
def test_an_early_end_is_at_the_same_trial_in_any_order(end: dict[str, Any]) -> None:
    found = [Simulation("random", "asha", trials=60, **end).run(Random(seed), interrupted=0.05) for seed in range(4)]
    assert len({len(each) for each in found}) == 1
    assert len(found[0]) < 60
    assert all(trial.state.is_finished for each in found for trial in each)
    assert all(what_matters(each) == what_matters(found[0]) for each in found)


def test_a_study_that_has_ended_early_says_why() -> None:
    simulation = Simulation("random", "asha", trials=60, patience=6)
    simulation.run(Random(0))
    assert simulation.controller().stop_cause is StopCause.PATIENCE
    assert simulation.controller().is_finished


def record(number: int, state: TrialState = TrialState.RUNNING) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=PLANE.default)


def test_trial_n_knows_the_results_of_trials_up_to_n_minus_the_delay_and_that_the_others_have_begun() -> None:
    inner = FakeSampler(PLANE)
    sampler = DelayedSampler(inner, 2)
    for number in (0, 2, 1):
        sampler.observe(record(number))
        sampler.observe(replace(record(number, TrialState.COMPLETE), curve={1: 0.5}, value=0.5))
    sampler.suggest(3)
    shown = [(each.number, each.state) for each in inner.observed]
    running, complete = TrialState.RUNNING, TrialState.COMPLETE
    assert shown == [(0, running), (1, running), (0, complete), (2, running), (1, complete)]


def test_a_configuration_that_is_asked_for_again_is_the_same() -> None:
    sampler = DelayedSampler(FakeSampler(PLANE), 2)
    sampler.observe(record(0))
    assert sampler.suggest(1) == sampler.suggest(1)
