"""Which trials are best, by one metric or by several, and under constraints."""

from itertools import pairwise

import optuna
import pytest
from fakes import MAXIMIZED, MINIMIZED
from hypothesis import given
from hypothesis import strategies as st

from tuner.domain.config import Config
from tuner.domain.constraint import Constraint
from tuner.domain.goal import Goal
from tuner.domain.ranking import best, front, nearest_miss, ranked
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState

SEVERAL = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
BOUND = Goal.of("accuracy", Direction.MAXIMIZE, "size <= 10", "speed >= 2")
VALUES = st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 3), max_size=12)


def trial(number: int, value: float | None, state: TrialState = TrialState.COMPLETE, **metrics: float) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=Config({}), value=value, metrics=metrics)


def numbers(trials: tuple[TrialRecord, ...]) -> list[int]:
    return [each.number for each in trials]


@pytest.mark.parametrize(("goal", "order"), [(MAXIMIZED, [1, 3, 0]), (MINIMIZED, [0, 1, 3])])
def test_completed_trials_alone_are_ranked_and_equals_by_age(goal: Goal, order: list[int]) -> None:
    trials = (
        trial(3, 0.9),
        trial(0, 0.1),
        trial(1, 0.9),
        trial(4, 1.0, TrialState.PRUNED),
        trial(5, None),
        trial(6, 0.99, TrialState.RUNNING),
    )
    assert numbers(ranked(trials, goal)) == order
    assert numbers(front(trials, goal)) == order[:1]
    assert best(trials, goal) == next(each for each in trials if each.number == order[0])


def test_the_front_comes_before_what_it_is_better_than_each_in_the_order_of_the_first_metric() -> None:
    trials = [trial(0, 0.9, size=9), trial(1, 0.5, size=9), trial(2, 0.95, size=20), trial(3, 0.5, size=1)]
    assert numbers(front(trials, SEVERAL)) == [2, 0, 3]
    assert numbers(ranked(trials, SEVERAL)) == [2, 0, 3, 1]


def test_a_trial_that_is_as_good_as_one_of_the_front_in_everything_is_on_it_too() -> None:
    assert numbers(front([trial(0, 0.5, size=1), trial(1, 0.5, size=1)], SEVERAL)) == [0, 1]


def test_a_trial_that_lacks_one_of_several_metrics_is_not_ranked() -> None:
    assert ranked([trial(0, 0.5)], SEVERAL) == ()


@given(VALUES, st.tuples(*[st.sampled_from(Direction)] * 3))
def test_the_front_is_optunas_and_ranking_is_fronts_of_what_is_left(
    values: list[tuple[float, float, float]], directions: tuple[Direction, ...]
) -> None:
    goal = Goal(metrics=("a", "b", "c"), directions=directions)
    trials = [trial(number, a, b=b, c=c) for number, (a, b, c) in enumerate(values)]
    study = optuna.create_study(directions=[direction.value for direction in directions])
    study.add_trials([optuna.trial.create_trial(values=each) for each in values])
    assert {each.number for each in front(trials, goal)} == {each.number for each in study.best_trials}
    left, order = trials, ranked(trials, goal)
    while left:
        found = front(left, goal)
        assert order[: len(found)] == found
        order, left = order[len(found) :], [each for each in left if each not in found]
    assert best(trials, goal) == next(iter(front(trials, goal)), None)


def test_a_trial_that_breaks_a_constraint_is_never_the_best() -> None:
    trials = [
        trial(0, 0.9, size=11, speed=9),
        trial(1, 0.8, size=10, speed=1),
        trial(2, 0.5, size=10, speed=2),
        trial(3, 0.4, size=1, speed=5),
    ]
    assert numbers(ranked(trials, BOUND)) == [2, 3]


def test_the_nearest_miss_breaks_the_constraints_least_by_shares_of_their_bounds() -> None:
    trials = [trial(0, 0.9, size=20, speed=2), trial(1, 0.8, size=11, speed=1.9), trial(2, 0.1, size=11, speed=1)]
    miss = nearest_miss([*trials, trial(3, 0.1, TrialState.RUNNING, size=10.1, speed=2)], BOUND)
    assert miss is not None
    assert miss.number == 1
    assert nearest_miss([trial(0, 0.9, size=1, speed=2)], BOUND) is None


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=8))
def test_an_excess_grows_with_the_distance_and_is_0_at_most_where_the_constraint_is_met(
    pairs: list[tuple[float, float]],
) -> None:
    for bound, value in pairs:
        for relation, met in (("<=", value <= bound), (">=", value >= bound)):
            constraint = Constraint.parse(f"x {relation} {bound!r}")
            assert (constraint.excess({"x": value}) <= 0) is met
    constraint = Constraint.parse("x >= 4")
    excesses = [constraint.excess({"x": value}) for value in sorted(value for _, value in pairs)]
    assert all(before >= after for before, after in pairwise(excesses))
