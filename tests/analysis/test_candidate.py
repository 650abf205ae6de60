"""Configurations that were trained again."""

from dataclasses import replace

import pytest

from tuner.analysis.candidate import as_tested, complete, row_error, row_error_of_difference
from tuner.analysis.estimate import NO_ROWS
from tuner.domain.config import Config
from tuner.domain.row_values import RowValues
from tuner.domain.trial import TrialRecord, TrialState

DONE = TrialRecord(number=0, state=TrialState.COMPLETE, config=Config({"x": 1}), value=0.5)
ROWS = RowValues.of([1.0, 0.0, 1.0, 0.0])


def test_what_failed_gave_no_value() -> None:
    assert complete([DONE, replace(DONE, state=TrialState.FAIL, value=None)]) == (DONE,)


def test_without_rows_there_is_no_error_of_theirs() -> None:
    kept = replace(DONE, rows=ROWS)
    assert row_error([DONE], "score") == row_error_of_difference([DONE], [kept], "score") == NO_ROWS
    assert row_error([DONE, kept], "score").rows == 4


def test_a_difference_is_paired_only_where_the_rows_are_the_same() -> None:
    one, other = [replace(DONE, rows=ROWS)], [replace(DONE, rows=ROWS)]
    assert row_error_of_difference(one, other, "score").error == 0
    assert row_error_of_difference(one, other, "score", is_paired=False).error == pytest.approx(
        2**0.5 * row_error(one, "score").error
    )


def test_a_tested_repetition_has_its_values_and_rows_of_the_test_split() -> None:
    tested = replace(DONE, test_metrics={"accuracy": 0.4}, test_rows=ROWS)
    (found,) = as_tested([tested, DONE], "accuracy")
    assert (found.value, found.rows, found.metrics) == (0.4, ROWS, {"accuracy": 0.4})
