"""Scrambled Sobol points, trial by trial."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from fakes import MAXIMIZED
from numpy.typing import NDArray
from scipy.stats.qmc import discrepancy

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.sampler import Sampler
from tuner.samplers.quasi_random import QuasiRandom
from tuner.samplers.random import Random

SQUARE = SearchSpace(x=Float(0, 1), y=Float(0, 1))


def points(sampler: Sampler, numbers: Iterable[int]) -> NDArray[np.float64]:
    configs = [sampler.suggest(number) for number in numbers]
    return np.array([[config["x"], config["y"]] for config in configs if config is not None])


@pytest.mark.parametrize("seed", range(5))
def test_the_unit_square_is_covered_more_evenly_than_by_random_draws(seed: int) -> None:
    sobol = points(QuasiRandom(SQUARE, MAXIMIZED, seed), range(1, 65))
    drawn = points(Random(SQUARE, MAXIMIZED, seed), range(1, 65))
    assert discrepancy(sobol) < discrepancy(drawn) / 2


@pytest.mark.parametrize("begin", [16, 32, 160])
def test_sixteen_trials_in_a_row_have_one_in_each_sixteenth_of_every_range(begin: int) -> None:
    cells = np.floor(points(QuasiRandom(SQUARE, MAXIMIZED, 3), range(begin, begin + 16)) * 16)
    assert np.array_equal(np.sort(cells, axis=0), np.tile(np.arange(16)[:, np.newaxis], 2))


def test_a_logarithmic_range_is_covered_evenly_in_its_logarithm() -> None:
    sampler = QuasiRandom(SearchSpace(lr=Float(1e-4, 1.0, log=True)), MAXIMIZED, 0)
    configs = [sampler.suggest(number) for number in range(8, 16)]
    decades = sorted(math.floor(-2 * math.log10(config["lr"])) for config in configs if config is not None)
    assert decades == list(range(8))


def test_every_branch_is_covered_evenly_too() -> None:
    space = SearchSpace(kind=Choice(a={"x": Float(0, 1)}, b={"n": Int(1, 4)}))
    sampler = QuasiRandom(space, MAXIMIZED, 0)
    configs = [config for config in map(sampler.suggest, range(64, 128)) if config is not None]
    inside = [config["kind"]["n"] for config in configs if config["kind"]["name"] == "b"]
    assert len(inside) == 32
    assert {inside.count(n) for n in (1, 2, 3, 4)} == {8}


def test_a_point_that_breaks_a_rule_is_replaced_and_the_others_stay() -> None:
    ruled = SearchSpace(x=Float(0, 1), y=Float(0, 1)).require("x is below y", lambda each: bool(each["x"] < each["y"]))
    free = points(QuasiRandom(SQUARE, MAXIMIZED, 0), range(1, 33))
    bound = points(QuasiRandom(ruled, MAXIMIZED, 0), range(1, 33))
    fine = free[:, 0] < free[:, 1]
    assert (bound[:, 0] < bound[:, 1]).all()
    assert np.array_equal(bound[fine], free[fine])
