"""The noise of rows."""

import math
import random

import pytest

from tuner.analysis.row_noise import RowMeans, row_means
from tuner.domain.row_values import MOST_ROWS, RowValues


def means(*trainings: list[float], metric: str = "score") -> RowMeans:
    found = row_means(map(RowValues.of, trainings), metric)
    assert found is not None
    return found


def test_the_error_is_that_of_the_mean_over_trainings_and_of_one_row_more() -> None:
    found = means([1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0])
    assert found.values.tolist() == [1.0, 0.0, 0.5, 0.0]
    assert found.error.rows == 4
    assert found.error.error == pytest.approx(math.hypot(0.4787136 / 4**0.5, 0.625 / 4))


def test_rows_that_are_hard_for_both_do_not_count_in_a_difference() -> None:
    one, other = means([1.0, 0.0, 1.0, 0.0]), means([2.0, 1.0, 2.0, 1.0])
    assert one.error_of_difference(other).error == pytest.approx(0, abs=1e-12)
    assert one.error_of_unpaired(other).error == pytest.approx(2**0.5 * one.error.error)


def test_of_other_rows_a_difference_is_not_paired() -> None:
    one, other = means([1.0, 0.0, 1.0, 0.0]), means([1.0, 0.0, 1.0])
    assert one.error_of_difference(other) == one.error_of_unpaired(other)


def test_the_error_of_a_split_of_which_some_rows_are_kept_is_that_of_all_its_rows() -> None:
    draw = random.Random(0)
    found = means([float(draw.random() < 0.5) for _ in range(4 * MOST_ROWS)])
    assert found.error.error == pytest.approx(0.5 / (4 * MOST_ROWS) ** 0.5, rel=0.01)


def test_without_rows_or_with_a_single_one_nothing_is_known() -> None:
    assert row_means([None, None], "score") is None
    assert row_means([RowValues.of([1.0])], "score") is None


def test_a_log_loss_allows_for_a_row_that_is_wrong_where_the_model_is_surest() -> None:
    sure = means([0.001] * 20, metric="log_loss")
    assert sure.most_apart == pytest.approx(-math.log(0.001), rel=1e-3)
    assert sure.error.error == pytest.approx((sure.most_apart - 0.001) / 20)
    assert means([0.001] * 2000, metric="log_loss").error.error < sure.error.error / 99


def test_certainty_that_is_complete_costs_a_finite_log_loss() -> None:
    assert means([0.0, 0.0, 0.0], metric="log_loss").most_apart == pytest.approx(15.94, abs=0.01)


def test_two_models_that_are_right_on_all_rows_may_differ_on_another() -> None:
    one, other = means([1.0] * 50, metric="accuracy"), means([1.0] * 50, metric="accuracy")
    assert one.error_of_difference(other).error == pytest.approx(1 / 50)
    assert one.error_of_unpaired(other).error == pytest.approx(2**0.5 / 50)


def test_the_surer_of_two_models_has_more_to_lose_on_another_row() -> None:
    one, other = means([0.001] * 50, metric="log_loss"), means([0.1] * 50, metric="log_loss")
    assert one.error_of_difference(other).error == other.error_of_difference(one).error
    assert one.error_of_difference(other).error == pytest.approx(one.most_apart / 50, rel=1e-6)


def test_of_a_metric_with_no_bound_nothing_is_known_of_what_no_row_has_shown() -> None:
    one, other = means([0.5] * 50, metric="rmse"), means([0.5] * 50, metric="rmse")
    assert one.error.error == one.error_of_difference(other).error == 0


def test_of_an_error_with_no_bound_one_row_more_is_as_far_away_as_the_farthest() -> None:
    found = means([1.0] * 49 + [51.0], metric="rmse")
    assert found.error.error == pytest.approx(math.hypot(50 * (0.02 * 0.98 / 49) ** 0.5, 49 / 50))
