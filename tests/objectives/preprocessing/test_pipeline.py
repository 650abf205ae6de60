from itertools import product

import numpy as np
import pytest

from tuner.objectives._components import PARTS
from tuner.objectives.preprocessing._pipeline import Pipeline

STEPS = [PARTS[kind]["none"]() for kind in ("transformation", "scaling")]


def test_the_columns_that_are_left_are_those_of_the_training_split_in_their_order() -> None:
    train = np.array([[1.0, 5.0, 1.0, 0.0], [2.0, 5.0, 2.0, 9.0]])
    pipeline = Pipeline([PARTS["cleaning"]["mean"](), *STEPS], train)
    np.testing.assert_array_equal(pipeline(np.array([[7.0, 8.0, 9.0, 10.0]])), [[7.0, 10.0]])


def test_columns_that_only_gaps_tell_apart_may_become_equal_by_cleaning() -> None:
    train = np.array([[1.0, 1.0], [2.0, np.nan], [3.0, 3.0]])
    assert Pipeline([PARTS["cleaning"]["mean"](), *STEPS], train)(train).shape == (3, 1)
    assert Pipeline([PARTS["cleaning"]["most_frequent"](), *STEPS], train)(train).shape == (3, 2)


def test_gaps_are_filled_from_the_training_split() -> None:
    pipeline = Pipeline([PARTS["cleaning"]["mean"](), *STEPS], np.array([[1.0], [3.0]]))
    np.testing.assert_array_equal(pipeline(np.array([[np.nan], [100.0]])), [[2.0], [100.0]])


LARGE = {
    "milliseconds": 1_700_000_000_000 + 1000 * np.arange(3600),
    "nanoseconds": 1_700_000_000 * 10**9 + 10**9 * np.arange(3600),
    "ids": 10**15 + 7 * np.arange(3600),
    "amounts": 123_456_789.01 + np.arange(3600) / 100,
    "years": 2000 + np.arange(3600) / 100,
}
"""Columns of 3,600 values that lie close together and far from 0."""


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize(
    "steps", [*product(["none", "power", "quantile"], ["standard", "robust", "minmax"])], ids="-".join
)
def test_large_numbers_that_differ_still_differ_when_they_are_scaled(name: str, steps: tuple[str, str]) -> None:
    values = LARGE[name].astype(np.float64)[:, None]
    parts = dict(zip(("cleaning", "transformation", "scaling"), ("median", *steps), strict=True))
    pipeline = Pipeline([PARTS[kind][part]() for kind, part in parts.items()], values)
    assert len(np.unique(pipeline(values))) > 3500
    assert np.isfinite(pipeline(values * 1.5)).all()


def test_a_power_that_was_fitted_before_far_columns_were_shifted_is_put_back_as_it_was() -> None:
    steps = [PARTS["cleaning"]["mean"](), PARTS["transformation"]["power"](), PARTS["scaling"]["none"]()]
    rows = np.random.default_rng(0).gamma(2, size=(50, 2))
    pipeline = Pipeline(steps, rows)
    state = pipeline.state()
    state["steps"][1] = {key: value for key, value in state["steps"][1].items() if key not in {"_shift", "_unit"}}
    np.testing.assert_array_equal(Pipeline.restored(steps, state)(rows), pipeline(rows))
