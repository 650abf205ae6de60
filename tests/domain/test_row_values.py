"""What a metric is row by row, and the file that it is kept in."""

import numpy as np
import pytest

from tuner.domain.row_values import MOST_ROWS, RowKeeper, RowValues


def test_values_come_back_from_a_file_as_they_were() -> None:
    rows = RowValues.of([1.0, 0.0, 0.5])
    found = RowValues.decoded(rows.encoded(epoch=7), epoch=7)
    assert found == rows
    assert np.frombuffer(rows.data, "<f4").tolist() == [1.0, 0.0, 0.5]
    assert (len(rows), rows.total) == (3, 3)


@pytest.mark.parametrize("end", [b"", b"x", b"abcd"], ids=["cut", "odd", "longer"])
def test_a_damaged_file_is_as_good_as_none(end: bytes) -> None:
    content = RowValues.of([1.0, 0.0]).encoded(epoch=1)
    assert RowValues.decoded(content[: -4 if not end else None] + end, epoch=1) is None


def test_values_of_another_epoch_and_other_files_are_not_taken() -> None:
    assert RowValues.decoded(RowValues.of([1.0]).encoded(epoch=1), epoch=2) is None
    assert RowValues.decoded(b"no such file\n", epoch=1) is None
    assert RowValues.decoded(b"\xff\xff", epoch=1) is None


def test_of_a_large_split_evenly_spaced_rows_are_kept() -> None:
    rows = RowValues.of(np.arange(MOST_ROWS * 4) % 2)
    assert (len(rows), rows.total) == (MOST_ROWS, MOST_ROWS * 4)


@pytest.mark.parametrize("values", [[], [float("nan")], [1e39]], ids=["none", "no number", "too large"])
def test_what_is_no_finite_number_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        RowValues.of(values)


def test_a_keeper_hands_out_the_latest_values_once() -> None:
    keeper = RowKeeper("accuracy")
    keeper.keep([0.0])
    keeper.keep([1.0])
    assert keeper.take() == RowValues.of([1.0])
    assert keeper.take() is None


def test_a_study_that_keeps_no_rows_drops_them() -> None:
    keeper = RowKeeper()
    keeper.keep([1.0])
    assert keeper.take() is None
