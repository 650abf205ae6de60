"""Between which values a metric lies."""

import math

import pytest

from tuner.domain.metric_bounds import UNBOUNDED, Bounds, is_log_loss, usual_bounds


@pytest.mark.parametrize("metric", ["accuracy", "val_acc", "roc_auc", "macro_f1", "topFive accuracy"])
def test_a_share_lies_between_0_and_1_and_as_a_percentage_up_to_100(metric: str) -> None:
    assert usual_bounds(metric, [0.0, 1.0]) == Bounds(0.0, 1.0)
    assert usual_bounds(metric, [0.5, 97.0]) == Bounds(0.0, 100.0)


@pytest.mark.parametrize("metric", ["rmse", "val_rmse", "log_loss", "crossEntropy", "bits_per_byte", "perplexity"])
def test_an_error_is_not_negative(metric: str) -> None:
    found = usual_bounds(metric, [0.1])
    assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize(("metric", "value"), [("loss", 0.5), ("reward", 0.5), ("accuracy", -1.0), ("rmse", -0.1)])
def test_other_metrics_and_values_that_contradict_the_name_have_no_bounds(metric: str, value: float) -> None:
    assert usual_bounds(metric, [value]) == UNBOUNDED


@pytest.mark.parametrize(("metric", "power"), [("val_rmse", 0.5), ("mse", 1.0), ("mae", None), ("accuracy", None)])
def test_means_of_squares_and_their_roots_are_known(metric: str, power: float | None) -> None:
    assert usual_bounds(metric, [0.1]).power == power


def test_what_is_negative_is_no_mean_of_squares() -> None:
    assert usual_bounds("neg_rmse", [-3.0]).power is None


def test_a_log_loss_is_known_by_its_name() -> None:
    named = ["log_loss", "valCrossEntropy", "loss", "accuracy"]
    assert [is_log_loss(name) for name in named] == [True, True, False, False]
