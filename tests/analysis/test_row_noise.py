"""The noise of rows."""

import random

import pytest

from tuner.analysis.row_noise import RowMeans, row_means
from tuner.domain.row_values import MOST_ROWS, RowValues


def means(*trainings: list[float]) -> RowMeans:
    found = row_means(map(RowValues.of, trainings))
    assert found is not None
    return found


def test_the_error_is_that_of_the_mean_over_trainings() -> None:
    found = means([1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0])
    assert found.values.tolist() == [1.0, 0.0, 0.5, 0.0]
    assert found.error.rows == 4
    assert found.error.error == pytest.approx(0.4787136 / 2)


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
    assert row_means([None, None]) is None
    assert row_means([RowValues.of([1.0])]) is None
