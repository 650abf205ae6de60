import math

import pytest

from tuner.analysis.drift import Rung, extrapolated, fitted_drift
from tuner.domain.study import Direction


def rung(optimum: float, tried: tuple[int, ...] = (-8, -7, -6, -5, -4), size: int = 32) -> Rung:
    values = {2.0**each: 3 + 0.2 * (each - optimum) ** 2 for each in tried}
    return Rung(size=size, seed=0, values=values, seconds=1.0)


@pytest.mark.parametrize("optimum", [-6.0, -6.4, -5.5, -7.0])
def test_the_best_value_of_a_rung_lies_between_those_that_were_tried(optimum: float) -> None:
    assert math.log2(rung(optimum).best(Direction.MINIMIZE)) == pytest.approx(optimum, abs=1e-6)
    assert not rung(optimum).is_at_edge(Direction.MINIMIZE)


def test_a_best_value_beyond_those_that_were_tried_is_the_last_of_them_and_says_so() -> None:
    assert rung(-12).best(Direction.MINIMIZE) == 2**-8
    assert rung(-12).is_at_edge(Direction.MINIMIZE)
    assert rung(-6).best(Direction.MAXIMIZE) in (2**-8, 2**-4)


def test_a_drift_is_the_slope_per_doubling_and_is_said_of_the_target() -> None:
    drift = fitted_drift([32, 64, 128, 256], [2**-6, 2**-7, 2**-8, 2**-9], 1024)
    assert drift.slope == pytest.approx(-1)
    assert drift.value == pytest.approx(2**-11)
    assert drift.low < 2**-11 < drift.high
    assert drift.is_certain


def test_values_that_scatter_leave_it_open_whether_there_is_a_drift() -> None:
    drift = fitted_drift([32, 64, 128], [2**-6, 2**-7, 2**-6], 256)
    assert drift.slope_low < 0 < drift.slope_high
    assert not drift.is_certain


def test_more_seeds_make_the_interval_narrower_and_a_grid_never_leaves_none() -> None:
    few = fitted_drift([32, 64, 128], [2**-6.0] * 3, 256)
    many = fitted_drift([32, 64, 128] * 4, [2**-6.0] * 12, 256)
    assert 0 < many.slope_high < few.slope_high


def test_an_amount_is_extrapolated_as_a_power_of_the_size() -> None:
    assert extrapolated([32, 64, 64, 128], [1.0, 3.0, 5.0, 16.0], 512) == pytest.approx(256)
