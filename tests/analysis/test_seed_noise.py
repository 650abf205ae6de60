"""The noise of seeds."""

import math
from statistics import variance

import pytest

from tuner.analysis.seed_noise import SeedNoise


def test_single_trainings_say_nothing_of_it() -> None:
    assert math.isinf(SeedNoise([[0.5], [0.9]]).margin([0.5]))


def test_a_bad_tail_that_one_group_shows_widens_the_others() -> None:
    calm = [[0.1, 0.2, 0.3]] * 3
    assert SeedNoise([*calm, [0.0, 0.5, 0.6]]).margin(calm[0]) > SeedNoise([*calm, calm[0]]).margin(calm[0])


def test_a_group_that_scatters_more_has_its_own_variance() -> None:
    wide = [0.0, 0.5, 1.0]
    assert SeedNoise([wide, [0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]).of(wide) == pytest.approx(variance(wide))


def test_what_is_far_worse_than_its_siblings_has_diverged_whichever_way_is_better() -> None:
    groups = [[0.97, 0.96, 0.97, 0.1], [0.95, 0.96, 0.94], [0.9, 0.91, 0.92]]
    assert SeedNoise(groups).diverged(groups[0], 1) == (0.1,)
    assert SeedNoise(groups).diverged(groups[0], -1) == ()
    assert SeedNoise(groups).diverged(groups[1], 1) == ()


def test_of_equal_values_none_has_diverged() -> None:
    assert SeedNoise([[1.0, 1.0, 1.0]]).diverged([1.0, 1.0, 1.0], 1) == ()
