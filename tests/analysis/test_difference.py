"""Differences of two means."""

import math
from collections.abc import Sequence

import pytest

from tuner.analysis.difference import detectable, welch
from tuner.analysis.estimate import Estimate
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.row_values import RowValues
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState

SCORE, LOSS = Goal.of("score", Direction.MAXIMIZE), Goal.of("loss", Direction.MINIMIZE)


def trained(values: Sequence[float], rows: Sequence[float] | None = None) -> list[TrialRecord]:
    return [
        TrialRecord(
            number=number,
            state=TrialState.COMPLETE,
            config=Config({}),
            value=value,
            rows=None if rows is None else RowValues.of(rows),
        )
        for number, value in enumerate(values)
    ]


def test_the_interval_is_that_of_welch() -> None:
    """Against scipy.stats.ttest_ind(..., equal_var=False).confidence_interval()."""
    found = welch(trained([0.9, 0.92, 0.94]), trained([0.8, 0.7, 0.9, 0.8]), SCORE)
    assert found.mean == pytest.approx(0.12)
    assert [found.low, found.high] == pytest.approx([-0.0053102925, 0.2453102925])


def test_where_less_is_better_a_smaller_mean_is_a_gain() -> None:
    assert welch(trained([0.1, 0.2]), trained([0.3, 0.4]), LOSS).mean == pytest.approx(0.2)


def test_a_single_training_has_no_interval_and_equal_ones_have_an_empty_one() -> None:
    assert math.isinf(welch(trained([0.9]), trained([0.8, 0.7]), SCORE).margin)
    assert welch(trained([0.9, 0.9]), trained([0.8, 0.8]), SCORE).margin == 0


def test_rows_that_are_not_the_same_are_not_paired() -> None:
    ones, others = trained([0.5, 0.5], [1.0, 0.0] * 20), trained([0.5, 0.5], [1.0, 0.0] * 20)
    assert welch(ones, others, SCORE).margin == 0
    assert welch(ones, others, SCORE, is_paired=False).margin > 0


def test_a_difference_that_is_found_four_times_of_five_is_larger_than_the_margin() -> None:
    found = Estimate(mean=0.0, low=-1.0, high=1.0, values=())
    assert detectable(found) == pytest.approx(1.4294, abs=1e-3)
