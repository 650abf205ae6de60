from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tuner.objectives._components import PARTS
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import split
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.data import Data, Examples, prepared

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(5, 3, (50, 4)).astype(np.float32)
VALUES = RNG.normal(100, 20, 50)
CLASSES = RNG.integers(0, 3, 50)


def _data(features: NDArray[np.float32], targets: NDArray[np.float64] | NDArray[np.int64], task: Task) -> Data:
    rows = split(targets, task=task, validation=0.2, test=0.2, seed=0)
    names = {"cleaning": "median", "transformation": "quantile", "scaling": "standard"}
    steps = [PARTS[kind][name]() for kind, name in names.items()]
    return prepared(features, targets, task=task, split=rows, fit=partial(Pipeline, steps), device="cpu")


def _train(data: Data) -> Examples:
    assert isinstance(data.train, Examples)
    return data.train


def test_data_knows_the_sizes_of_both_ends_of_a_model() -> None:
    data = _data(FEATURES, CLASSES, Task.CLASSIFICATION)
    assert (data.shape, data.outputs) == ((4,), 3)
    assert _data(FEATURES, VALUES, Task.REGRESSION).outputs == 1


def test_nothing_outside_the_training_split_changes_how_it_is_prepared() -> None:
    rows = split(VALUES, task=Task.REGRESSION, validation=0.2, test=0.2, seed=0)
    features, values = FEATURES.copy(), VALUES.copy()
    for held_out in (rows.validation, rows.test):
        features[held_out] = 1e5
        values[held_out] = -1e5
    before, after = _data(FEATURES, VALUES, Task.REGRESSION), _data(features, values, Task.REGRESSION)
    assert torch.equal(_train(before).features, _train(after).features)
    assert torch.equal(_train(before).targets, _train(after).targets)
    assert (before.centre, before.spread) == (after.centre, after.spread)
    assert not torch.equal(before.validation.features, after.validation.features)


def test_the_targets_of_a_regression_are_trained_as_standard_deviations_and_measured_as_they_are() -> None:
    data = _data(FEATURES, VALUES, Task.REGRESSION)
    assert _train(data).targets.mean().item() == pytest.approx(0, abs=1e-6)
    assert _train(data).targets.std(correction=0).item() == pytest.approx(1)
    restored = data.validation.targets.numpy() * data.spread + data.centre
    np.testing.assert_allclose(restored, data.validation.measured, rtol=1e-5)


def test_targets_that_are_all_equal_are_still_finite() -> None:
    assert _train(_data(FEATURES, np.full(50, 7.0), Task.REGRESSION)).targets.isfinite().all()


def test_the_test_split_is_not_prepared_before_it_is_asked_for() -> None:
    data = _data(FEATURES, CLASSES, Task.CLASSIFICATION)
    assert "test" not in vars(data)
    assert len(data.test.targets) == 10
