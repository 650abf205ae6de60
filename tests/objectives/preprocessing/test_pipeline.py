import numpy as np

from tuner.objectives._parts import PARTS
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
