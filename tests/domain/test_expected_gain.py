"""How much better the best value is expected to become: against simulated records, and never too soon."""

import math
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import MAXIMIZED, MINIMIZED
from made_studies import BEGAN, trial

from tuner.domain.expected_gain import LEAST_COMPLETE, LEAST_FINISHED, Records, expected_gain
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialState

CONVERGED = [0.5, 0.7, 0.8, 0.81, *[0.81 - 0.01 * (number % 30) for number in range(100)]]


def records(values: list[float], goal: Goal = MAXIMIZED) -> Records:
    found = Records(goal)
    for value in values:
        found.add(value)
    return found


def test_too_few_trials_say_nothing() -> None:
    enough = max(LEAST_FINISHED, LEAST_COMPLETE)
    assert records(CONVERGED[: enough - 1]).expected(200) is None
    assert records(CONVERGED[:enough]).expected(200) is not None


def test_trials_that_are_not_usable_are_finished_and_no_more() -> None:
    found = records(CONVERGED[: LEAST_COMPLETE - 1])
    for _ in range(100):
        found.add(None)
    assert found.expected(200) is None
    found.add(0.1)
    assert found.expected(200) is not None


def test_with_no_trial_left_there_is_nothing_to_expect() -> None:
    assert records(CONVERGED).expected(len(CONVERGED)) is None


def test_the_more_trials_are_left_the_more_is_expected() -> None:
    gains = [records(CONVERGED).expected(len(CONVERGED) + left) for left in (1, 10, 100, 1000)]
    means = [gain.mean for gain in gains if gain is not None]
    assert means == sorted(means)
    assert means[0] < means[-1]


def test_a_search_that_still_improves_is_not_over_and_one_that_has_long_stopped_is() -> None:
    improving = records([math.log(1 + number) for number in range(60)]).expected(64)
    converged = records(CONVERGED).expected(len(CONVERGED) + 3)
    assert improving is not None
    assert not improving.is_negligible
    assert converged is not None
    assert converged.is_negligible
    assert converged.mean <= converged.high <= converged.tolerance


def test_it_is_the_same_whichever_way_the_metric_is_better() -> None:
    assert records([-each for each in CONVERGED], MINIMIZED).expected(200) == records(CONVERGED).expected(200)


@pytest.mark.parametrize("left", [10, 60])
def test_of_independent_trials_the_gain_is_below_the_upper_end_as_often_as_it_says(left: int) -> None:
    draw, below, count = random.Random(0), 0, 400
    for _ in range(count):
        values = [draw.expovariate(1) for _ in range(60 + left)]
        gain = records(values[:60]).expected(60 + left)
        assert gain is not None
        below += max(values) - max(values[:60]) <= gain.high
    assert 0.92 <= below / count <= 1.0


def test_stored_trials_count_in_the_order_in_which_they_finished() -> None:
    trials = [
        trial(number, value=value, finished=BEGAN + timedelta(seconds=number)) for number, value in enumerate(CONVERGED)
    ]
    shuffled = random.Random(0).sample(trials, len(trials))
    assert expected_gain(shuffled, MAXIMIZED, 200) == records(CONVERGED).expected(200)


def test_only_complete_trials_that_meet_the_constraints_have_values() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "accuracy <= 2")
    good = [trial(number, value=value, metrics={"accuracy": value}) for number, value in enumerate(CONVERGED)]
    last = len(CONVERGED)
    poor = [
        replace(good[3], number=last, value=9.0, metrics={"accuracy": 9.0}),
        replace(good[3], number=last + 1, value=9.0, state=TrialState.PRUNED),
    ]
    found = records(CONVERGED)
    found.add(None)
    found.add(None)
    assert expected_gain([*good, *poor], goal, 300) == found.expected(300)


def test_with_several_metrics_there_is_nothing_to_expect() -> None:
    goal = Goal(metrics=("a", "b"), directions=(Direction.MAXIMIZE, Direction.MAXIMIZE))
    assert expected_gain([], goal, 100) is None


def test_equal_values_are_expected_to_gain_nothing() -> None:
    gain = records([0.5] * 30).expected(100)
    assert gain is not None
    assert (gain.mean, gain.high) == (0.0, 0.0)
    assert gain.is_negligible
