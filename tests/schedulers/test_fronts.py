"""Places of trials by several metrics at once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.schedulers._fronts import Merits, place

merits = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2)).map(lambda each: tuple(map(float, each)))
rungs = st.lists(merits, min_size=1, max_size=12)


def beats(one: Merits, other: Merits) -> bool:
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))


@given(rungs)
def test_a_trial_that_another_beats_comes_after_it_and_in_a_later_front(trials: list[Merits]) -> None:
    places = [place(trials, index) for index in range(len(trials))]
    for one, better in enumerate(trials):
        for other, worse in enumerate(trials):
            if beats(better, worse):
                assert places[one][0] < places[other][0]
                assert places[one][1] < places[other][1]


@given(rungs)
def test_the_first_front_are_those_that_no_other_beats(trials: list[Merits]) -> None:
    for index, own in enumerate(trials):
        is_first = place(trials, index)[1] == 0
        assert is_first is not any(beats(other, own) for other in trials)


@given(rungs)
def test_places_count_the_trials_before_and_equals_share_one(trials: list[Merits]) -> None:
    places = [place(trials, index)[0] for index in range(len(trials))]
    assert all(own == sum(other < own for other in places) for own in places)
    for one, other in zip(range(len(trials)), range(1, len(trials)), strict=False):
        assert (places[one] == places[other]) is (trials[one] == trials[other])


@given(rungs, st.integers(0, 99))
def test_the_order_of_the_trials_makes_no_difference(trials: list[Merits], seed: int) -> None:
    shuffled = random.Random(seed).sample(range(len(trials)), len(trials))
    again = [trials[index] for index in shuffled]
    assert [place(again, index) for index in range(len(trials))] == [place(trials, index) for index in shuffled]


@pytest.mark.parametrize(("own", "expected"), [(0, 2), (1, 3), (2, 4), (3, 1), (4, 0)])
def test_within_a_front_the_ends_come_before_what_lies_near_others(own: int, expected: int) -> None:
    trials = [(0.5, 0.5), (0.8, 0.3), (0.9, 0.1), (0.0, 1.0), (1.0, 0.0)]
    assert place(trials, own) == (expected, 0)
