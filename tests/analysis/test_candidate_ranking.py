"""Means that are shrunk where trainings are few."""

import math

import pytest

from tuner.analysis.candidate_ranking import shrunken_means


def test_of_equally_many_trainings_the_order_is_that_of_the_means() -> None:
    found = shrunken_means({0: [0.1, 0.3], 1: [0.9, 0.5], 2: [0.4, 0.4]}, 0.02)
    assert sorted(found, key=lambda number: found[number]) == [0, 2, 1]


def test_the_fewer_trainings_the_farther_a_mean_is_moved() -> None:
    found = shrunken_means({0: [0.5] * 5, 1: [0.9], 2: [0.9] * 5}, 0.05)
    assert found[0] > 0.5
    assert found[1] < found[2] < 0.9


@pytest.mark.parametrize("variance", [0.0, math.inf])
def test_where_the_noise_is_not_known_means_stay_as_they_are(variance: float) -> None:
    assert shrunken_means({0: [0.5], 1: [0.9]}, variance) == {0: 0.5, 1: 0.9}


def test_a_single_candidate_keeps_its_mean() -> None:
    assert shrunken_means({3: [0.5, 0.7]}, 0.1) == {3: pytest.approx(0.6)}
