"""Several metrics put into one number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna._hypervolume import compute_hypervolume

from tuner.samplers._front_gain import FrontGain, WeightedDistance

FRONT = np.array([[0.0, 1.0], [0.4, 0.7], [0.8, 0.5], [1.0, 0.0]])
BEATEN = np.array([[0.1, 0.2], [-3.0, 0.5]])
KNOWN = np.concatenate([FRONT, BEATEN])
values = st.floats(-2, 2)


def gain(rows: np.ndarray, known: np.ndarray = KNOWN) -> np.ndarray:
    return FrontGain(known, np.random.default_rng(0)).by(rows)


@given(values, values)
def test_what_the_front_beats_gains_nothing_and_what_is_beyond_it_does(one: float, other: float) -> None:
    row = np.array([[one, other]])
    is_beyond = not (row - 1e-9 <= FRONT).all(1).any()
    is_in_sight = (row > -0.09).all()
    if is_beyond and is_in_sight and not (row - 0.05 <= FRONT).all(1).any():
        assert gain(row)[0] > 0
    if not is_beyond:
        assert gain(row)[0] <= 1e-9


def test_gains_are_in_the_order_of_the_hypervolume_that_is_gained() -> None:
    rows = np.random.default_rng(1).random((30, 2)) * 0.6 + 0.5
    beginning = np.array([0.1, 0.1])  # a tenth of the front's extent below its worst

    def volume(points: np.ndarray) -> float:
        return float(compute_hypervolume(-points, beginning))

    gained = np.array([volume(np.concatenate([FRONT, row[None]])) - volume(FRONT) for row in rows])
    assert np.corrcoef(gained, gain(rows))[0, 1] > 0.98


def test_of_what_gains_nothing_the_nearer_comes_first() -> None:
    near, far = gain(np.array([[0.35, 0.65], [0.1, 0.1]]))
    assert far < near <= 0


def test_the_scale_of_a_metric_does_not_matter() -> None:
    scale = np.array([1.0, 1e6])
    rows = np.random.default_rng(2).random((20, 2)) + 0.3
    assert gain(rows * scale, KNOWN * scale) == pytest.approx(gain(rows), rel=1e-6)


@pytest.mark.parametrize(("weights", "first"), [((0.95, 0.05), 3), ((0.05, 0.95), 0), ((0.5, 0.5), 2)])
def test_the_weights_say_which_place_of_the_front_is_looked_for(weights: tuple[float, float], first: int) -> None:
    assert int(np.argmax(WeightedDistance(KNOWN, np.array(weights)).by(KNOWN))) == first


def test_a_front_of_one_and_metrics_that_are_all_the_same_have_finite_numbers() -> None:
    same = np.zeros((3, 2))
    assert np.isfinite(gain(same, same)).all()
    assert np.isfinite(WeightedDistance(same, np.array([0.5, 0.5])).by(same)).all()
