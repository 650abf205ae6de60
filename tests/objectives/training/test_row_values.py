"""What each row contributes to a metric."""

import numpy as np
import pytest

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.metrics import DIRECTIONS, LOSS, measure
from tuner.objectives.training.row_values import by_group, by_row

CASES = [(task, name) for task, names in DIRECTIONS.items() for name in names if name != LOSS]


def drawn(task: Task, seed: int, rows: int = 200) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    if task is Task.REGRESSION:
        values = rng.normal(size=rows)
        return values, values + rng.standard_t(5, rows)
    if task is Task.LANGUAGE:
        return np.full(rows, 4.2), np.stack([rng.gamma(20.0, 0.1, rows), rng.beta(2, 5, rows)], axis=1)
    targets = rng.choice(3, rows, p=[0.2, 0.3, 0.5])
    logits = rng.normal(size=(rows, 3)) + 1.5 * np.eye(3)[targets]
    odds = np.exp(logits)
    return targets, odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_the_mean_over_rows_is_the_metric(task: Task, metric: str) -> None:
    targets, predictions = drawn(task, 0)
    assert by_row(task, metric, targets, predictions).mean() == pytest.approx(
        measure(task, targets, predictions)[metric]
    )


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_the_spread_over_rows_is_that_of_a_bootstrap(task: Task, metric: str) -> None:
    targets, predictions = drawn(task, 1)
    values = by_row(task, metric, targets, predictions)
    rng = np.random.default_rng(2)
    drawn_again = [rng.integers(0, len(targets), len(targets)) for _ in range(600)]
    bootstrap = np.std([measure(task, targets[rows], predictions[rows])[metric] for rows in drawn_again])
    assert values.std() / len(targets) ** 0.5 == pytest.approx(bootstrap, rel=0.12)


@pytest.mark.parametrize(("task", "metric"), [case for case in CASES if case[0] is not Task.LANGUAGE])
def test_perfect_predictions_have_the_same_value_in_every_row(task: Task, metric: str) -> None:
    targets, _ = drawn(task, 3)
    predictions = targets if task is Task.REGRESSION else np.eye(3)[targets]
    values = by_row(task, metric, targets, predictions)
    assert values == pytest.approx(measure(task, targets, predictions)[metric])


def test_classes_that_no_row_has_and_splits_of_one_class_count_for_nothing() -> None:
    targets, predictions = np.zeros(4, dtype=np.int64), np.tile([0.7, 0.2, 0.1], (4, 1))
    for metric in ("f1", "precision", "recall", "roc_auc", "accuracy"):
        values = by_row(Task.CLASSIFICATION, metric, targets, predictions)
        assert values.mean() == pytest.approx(measure(Task.CLASSIFICATION, targets, predictions)[metric])


def test_targets_without_variance_have_an_r2_all_the_same() -> None:
    assert by_row(Task.REGRESSION, "r2", np.ones(3), np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_values_by_group_have_the_mean_of_the_rows_and_the_spread_of_a_bootstrap_over_groups() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), rng.integers(1, 9, 60))
    values = rng.normal(size=60)[groups] + 0.3 * rng.normal(size=len(groups))
    found = by_group(values, groups)
    assert len(found) == 60
    assert found.mean() == pytest.approx(values.mean())
    sums, counts = np.bincount(groups, weights=values), np.bincount(groups)
    drawn_again = rng.integers(0, 60, (4000, 60))
    means = sums[drawn_again].sum(axis=1) / counts[drawn_again].sum(axis=1)
    assert found.std() / 60**0.5 == pytest.approx(means.std(), rel=0.1)
