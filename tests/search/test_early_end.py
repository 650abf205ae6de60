"""A study ends early at a value that is good enough, or without a new best for a while; only usable trials count."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes import MAXIMIZED, MINIMIZED
from search_bench import SMALL, SPACE, Bench

from tuner.domain.config import Config
from tuner.domain.expected_gain import LEAST_FINISHED
from tuner.domain.goal import Goal
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.early_end import EarlyEnd
from tuner.search.plan import RunPlan

PLAN = RunPlan(trials=99, max_epochs=3, goal=MAXIMIZED, seed=0, default=SPACE.default, tests=False)


def ended(value: float | None, state: TrialState = TrialState.COMPLETE, number: int = 0) -> TrialRecord:
    metrics = {} if value is None else {"accuracy": value, "parameters": 5.0}
    return TrialRecord(number=number, state=state, config=Config({}), value=value, metrics=metrics)


def causes(plan: RunPlan, *trials: TrialRecord) -> list[StopCause | None]:
    end = EarlyEnd(plan)
    found = []
    for trial in trials:
        end.count(trial)
        found.append(end.cause)
    return found


def test_without_a_target_and_patience_a_study_never_ends_early() -> None:
    assert set(causes(PLAN, *[ended(0.5)] * 200)) == {None}


@pytest.mark.parametrize(("goal", "values"), [(MAXIMIZED, (0.8, 0.9)), (MINIMIZED, (1.0, 0.9))])
def test_a_value_as_good_as_the_target_ends_a_study(goal: Goal, values: tuple[float, float]) -> None:
    plan = replace(PLAN, goal=goal, target=0.9)
    assert causes(plan, *map(ended, values)) == [None, StopCause.TARGET]


def test_a_value_of_a_trial_that_is_not_usable_reaches_no_target() -> None:
    plan = replace(PLAN, goal=SMALL, target=0.9)
    large = replace(ended(0.95), metrics={"accuracy": 0.95, "parameters": 11.0})
    assert causes(plan, ended(0.95, TrialState.PRUNED), ended(0.95, TrialState.FAIL), large) == [None] * 3


def test_patience_counts_finished_trials_since_the_last_new_best() -> None:
    plan = replace(PLAN, patience=2)
    worse = [ended(0.4), ended(None, TrialState.FAIL)]
    found = causes(plan, ended(0.5), ended(0.5), ended(0.6), *worse)
    assert found == [None, None, None, None, StopCause.PATIENCE]
    assert causes(plan, *worse[1:] * 2) == [None, StopCause.PATIENCE]


def test_earlier_trials_count_in_the_order_in_which_they_finished() -> None:
    began = datetime(2026, 1, 1)  # noqa: DTZ001 - as it is stored
    last_is_best = [
        replace(ended(value, number=number), finished=began + timedelta(seconds=after))
        for number, (value, after) in enumerate([(0.9, 30), (0.5, 10), (0.4, 20)])
    ]
    assert EarlyEnd(replace(PLAN, patience=2), last_is_best).cause is None
    in_order = [replace(trial, finished=began + timedelta(seconds=trial.number)) for trial in last_is_best]
    assert EarlyEnd(replace(PLAN, patience=2), in_order).cause is StopCause.PATIENCE


def test_an_ended_study_suspends_what_runs_tests_its_best_trial_and_is_finished() -> None:
    bench = Bench(trials=9, max_epochs=2, tests=True, target=0.9)
    bench.take()
    bench.take()
    bench.report(0, 1, 0.95)
    bench.report(0, 2, 0.95)
    controller = bench.controller
    assert controller.stop_cause is StopCause.TARGET
    assert not controller.is_stopping
    assert controller.next_work() is None
    assert bench.report(1, 1, 0.5) == {1}
    assert bench.state(1) is TrialState.WAITING
    assert not controller.is_finished
    test = bench.take()
    assert test.numbers == {0}
    controller.tested(test, {"accuracy": 0.9})
    assert controller.next_work() is None
    assert controller.is_finished


def test_a_signal_stops_the_test_of_a_study_that_has_ended() -> None:
    bench = Bench(trials=9, max_epochs=1, tests=True, target=0.9)
    bench.take()
    bench.report(0, 1, 0.95)
    bench.controller.stop(StopCause.INTERRUPT)
    assert bench.controller.stop_cause is StopCause.INTERRUPT
    assert bench.controller.next_work() is None


def test_a_study_goes_beyond_its_end_with_a_better_target() -> None:
    before = Bench(trials=9, max_epochs=1, target=0.9)
    before.take()
    before.report(0, 1, 0.95)
    assert Bench(trials=9, max_epochs=1, target=0.9, before=before).controller.next_work() is None
    assert Bench(trials=9, max_epochs=1, target=0.99, before=before).take().numbers == {1}


def test_without_a_gain_to_expect_a_study_ends_where_it_was_asked_to() -> None:
    plan = replace(PLAN, trials=64)
    trials = [ended(value) for value in (0.5, 0.7, 0.8, 0.81, *([0.5] * 59))]
    assert set(causes(plan, *trials)) == {None}
    end = EarlyEnd(replace(plan, until_no_gain=True))
    limits = []
    for number, trial in enumerate(trials[:60], start=1):
        end.count(trial)
        limits.append(end.most_trials(number + 2))
    assert limits[:LEAST_FINISHED] == [64] * LEAST_FINISHED
    assert LEAST_FINISHED < limits[-1] < 64


def test_where_no_gain_is_expected_what_has_begun_is_trained_to_its_end() -> None:
    end = EarlyEnd(replace(PLAN, trials=33, until_no_gain=True))
    for _ in range(30):
        end.count(ended(0.5))
    assert (end.most_trials(32), end.cause) == (32, None)
    end.count(ended(0.5))
    assert end.cause is None
    end.count(ended(0.5))
    assert end.cause is StopCause.NO_GAIN


def test_where_trials_have_a_delay_they_count_in_the_order_of_their_numbers_and_those_in_between_are_trained() -> None:
    end = EarlyEnd(replace(PLAN, target=0.9, delay=3))
    for number, value in ((1, 0.95), (2, 0.5), (0, 0.5)):
        end.count(ended(value, number=number))
    assert (end.cause, end.most_trials(4)) == (None, 4)
    end.count(ended(0.5, number=3))
    assert end.cause is StopCause.TARGET


def test_where_more_trials_have_begun_than_are_asked_for_now_those_that_wait_are_trained_all_the_same() -> None:
    waiting = [ended(None, TrialState.WAITING, number) for number in range(30, 33)]
    end = EarlyEnd(replace(PLAN, trials=30, until_no_gain=True), [*(ended(0.5) for _ in range(30)), *waiting])
    assert (end.most_trials(33), end.cause) == (33, None)
    for trial in waiting:
        end.count(replace(trial, state=TrialState.COMPLETE, value=0.5))
    assert end.cause is StopCause.NO_GAIN
