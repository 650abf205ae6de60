import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference

from tuner.objectives._tasks import Task
from tuner.objectives.training.metrics import DIRECTIONS, LOSS, classification, measure, regression

Arrays = tuple[NDArray[np.int64], NDArray[np.float64]]


@st.composite
def _classified(draw: st.DrawFn) -> Arrays:
    """Draw targets and probabilities, with ties, missing classes and certainty among them."""
    classes, rows = draw(st.integers(2, 5)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    scores = rng.integers(0, draw(st.sampled_from([2, 4, 1000])), (rows, classes)) + draw(st.sampled_from([0.0, 0.5]))
    scores[scores.sum(axis=1) == 0] = 1.0
    return rng.integers(0, draw(st.integers(1, classes)), rows), scores / scores.sum(axis=1, keepdims=True)


@settings(max_examples=200, deadline=None)
@given(_classified())
def test_the_metrics_of_a_classifier_are_those_of_scikit_learn(arrays: Arrays) -> None:
    targets, probabilities = arrays
    predicted = probabilities.argmax(axis=1)
    measured = classification(targets, probabilities)
    assert measured["accuracy"] == pytest.approx(reference.accuracy_score(targets, predicted))
    for name in ("precision", "recall", "f1"):
        score = getattr(reference, f"{name}_score")
        assert measured[name] == pytest.approx(score(targets, predicted, average="macro", zero_division=0))
    expected = reference.log_loss(targets, probabilities, labels=range(probabilities.shape[1]))
    assert measured["log_loss"] == pytest.approx(expected)
    assert measured["roc_auc"] == pytest.approx(_roc_auc(targets, probabilities))


def _roc_auc(targets: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    labels = [label for label in np.unique(targets) if (targets != label).any()]
    areas = [reference.roc_auc_score(targets == label, probabilities[:, label]) for label in labels]
    return float(np.mean(areas)) if areas else 0.5


def test_the_area_under_the_curve_is_one_against_rest_when_every_class_is_there() -> None:
    rng = np.random.default_rng(0)
    targets, probabilities = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)
    expected = reference.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert classification(targets, probabilities)["roc_auc"] == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40))
def test_the_metrics_of_a_regressor_are_those_of_scikit_learn(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.normal(100, 30, rows)
    predictions = targets + rng.normal(0, 10, rows)
    assert regression(targets, predictions) == pytest.approx(
        {
            "mse": reference.mean_squared_error(targets, predictions),
            "rmse": reference.root_mean_squared_error(targets, predictions),
            "mae": reference.mean_absolute_error(targets, predictions),
            "r2": reference.r2_score(targets, predictions),
        }
    )


def test_targets_that_are_all_equal_are_explained_or_not() -> None:
    equal = np.full(4, 2.0)
    assert regression(equal, equal)["r2"] == 1
    assert regression(equal, equal + 1)["r2"] == 0


@pytest.mark.parametrize("task", Task)
def test_every_metric_has_a_direction_and_is_measured(task: Task) -> None:
    predictions = np.ones(3) if task is Task.REGRESSION else np.full((3, 2), 0.5)
    assert measure(task, np.array([0, 1, 1]), predictions).keys() | {LOSS} == DIRECTIONS[task].keys()


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_predictions_that_are_no_numbers_make_every_metric_nan(task: Task, wrong: float) -> None:
    predictions = np.array([0.0, wrong, 0.0]) if task is Task.REGRESSION else np.full((3, 2), wrong)
    measured = measure(task, np.array([0, 1, 1]), predictions)
    assert measured.keys() | {LOSS} == DIRECTIONS[task].keys()
    assert all(math.isnan(value) for value in measured.values())
