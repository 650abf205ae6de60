"""Intervals of means."""

import math

import pytest

from tuner.analysis.estimate import Estimate, RowError, estimate
from tuner.domain.metric_bounds import Bounds

SHARE = Bounds(0.0, 1.0)


def test_the_margins_of_seeds_and_rows_add_up_as_squares_do() -> None:
    found = estimate((1.0, 3.0), mean=2.0, seed_margin=0.3, rows=RowError(error=0.4 / 1.959964, rows=50))
    assert [found.low, found.high] == pytest.approx([1.5, 2.5])
    assert (found.seed_margin, found.rows) == (0.3, 50)


def test_an_unknown_margin_of_seeds_is_no_interval_however_many_rows_there_are() -> None:
    assert not estimate((1.0,), mean=1.0, seed_margin=math.inf, rows=RowError(error=0.1, rows=9), bounds=SHARE).is_known


@pytest.mark.parametrize("margin", [0.001, 0.02, 0.5])
@pytest.mark.parametrize("mean", [0.002, 0.5, 0.99])
def test_an_interval_of_a_share_holds_its_mean_and_stays_within_its_bounds(mean: float, margin: float) -> None:
    found = estimate((), mean=mean, seed_margin=margin, bounds=SHARE)
    assert 0 <= found.low < mean < found.high <= 1


def test_far_from_its_bounds_an_interval_of_a_share_is_as_wide_as_its_margin() -> None:
    found = estimate((), mean=0.5, seed_margin=0.01, bounds=SHARE)
    assert [found.low, found.high] == pytest.approx([0.49, 0.51], abs=2e-4)


def test_at_a_bound_the_noise_of_seeds_and_the_rows_both_count() -> None:
    rows = RowError(error=0.0, rows=100)
    alone = estimate((), mean=0.0, seed_margin=0.0, rows=rows, bounds=SHARE)
    both = estimate((), mean=0.0, seed_margin=0.02, rows=rows, bounds=SHARE)
    assert alone.low == both.low == 0
    assert alone.high == pytest.approx(1 - 0.025**0.01)
    assert both.high == pytest.approx(math.hypot(alone.high, 0.02))
    assert estimate((), mean=1.0, seed_margin=0.0, bounds=SHARE).margin == 0


def test_a_positive_metric_is_never_expected_below_zero() -> None:
    assert estimate((), mean=1.0, seed_margin=2.0, bounds=Bounds(0.0, math.inf)).low == 0


def test_an_interval_that_ends_at_zero_is_not_shown_as_if_it_reached_below() -> None:
    assert str(estimate((), mean=1.0, seed_margin=1.01, bounds=Bounds(0.0, math.inf))) == "1.0000 (0.0000 to 2.0100)"
    assert str(estimate((), mean=1.0, seed_margin=1.01)) == "1.0000 ± 1.0100"


def test_an_estimate_is_shown_with_its_margin_or_where_it_is_lopsided_with_its_bounds() -> None:
    def shown(low: float, high: float) -> str:
        return str(Estimate(mean=0.9, low=low, high=high, values=()))

    assert shown(0.85, 0.95) == "0.9000 ± 0.0500"
    assert shown(0.80, 0.92) == "0.9000 (0.8000 to 0.9200)"
    assert shown(-math.inf, math.inf) == shown(0.9, 0.9) == "0.9000"


def test_an_interval_for_something_else_is_not_shown_beside_the_one_that_counts() -> None:
    on_rows = Estimate(mean=0.9, low=0.8, high=1.0, values=(0.9,), rows=100)
    of_seeds = Estimate(mean=0.7, low=0.6, high=0.8, values=(0.7,))
    assert of_seeds.beside(on_rows) == "0.7000"
    assert on_rows.beside(on_rows) == "0.9000 ± 0.1000"
    assert of_seeds.beside(of_seeds) == "0.7000 ± 0.1000"


def test_a_share_near_its_bound_is_no_surer_than_so_many_rows_allow() -> None:
    rows = RowError(error=0.0001, rows=100)
    nearly, all_right = (estimate((), mean=mean, seed_margin=0.0, rows=rows, bounds=SHARE) for mean in (0.9995, 1.0))
    assert nearly.low == pytest.approx(all_right.low, abs=0.002)


def test_the_interval_of_a_mean_of_squares_is_exact_for_errors_of_a_normal_distribution() -> None:
    """Against the textbook's interval of a variance of 20 degrees, and of its root."""
    error = RowError(error=(2 / 20) ** 0.5, rows=20)
    found = estimate((), mean=1.0, seed_margin=0.0, rows=error, bounds=Bounds(0.0, math.inf, 1.0))
    assert [found.low, found.high] == pytest.approx([20 / 34.1696, 20 / 9.59078], rel=1e-4)
    root = estimate(
        (), mean=1.0, seed_margin=0.0, rows=RowError(error=error.error / 2, rows=20), bounds=Bounds(0.0, math.inf, 0.5)
    )
    assert [root.low, root.high] == pytest.approx([found.low**0.5, found.high**0.5])


def test_without_rows_a_mean_of_squares_has_the_interval_of_its_seeds() -> None:
    found = estimate((), mean=1.0, seed_margin=0.1, bounds=Bounds(0.0, math.inf, 0.5))
    assert [found.low, found.high] == pytest.approx([0.9, 1.1])


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_two_trainings_that_differ_do_not_make_the_interval_of_a_mean_of_squares_endless(power: float) -> None:
    bounds, rows = Bounds(0.0, math.inf, power), RowError(error=0.1, rows=50)
    of_rows = estimate((), mean=2.0, seed_margin=0.0, rows=rows, bounds=bounds)
    found = estimate((1.0, 3.0), mean=2.0, seed_margin=12.7, rows=rows, bounds=bounds)
    assert found.low == 0
    assert found.high == pytest.approx(2.0 + math.hypot(12.7, of_rows.high - 2.0))


def test_rows_of_which_one_has_all_of_the_error_promise_as_much_as_one_row_does() -> None:
    alone = RowError(error=3.0, rows=50)
    found = estimate((), mean=1.0, seed_margin=0.0, rows=alone, bounds=Bounds(0.0, math.inf, 0.5))
    assert [found.low, found.high] == pytest.approx([1 / 5.02389**0.5, 1 / 0.00098207**0.5], rel=1e-4)
