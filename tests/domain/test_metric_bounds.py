"""Between which values a metric lies."""

import math

import pytest

from tuner.domain.metric_bounds import usual_bounds


@pytest.mark.parametrize("metric", ["accuracy", "val_acc", "roc_auc", "macro_f1", "topFive accuracy"])
def test_a_share_lies_between_0_and_1_and_as_a_percentage_up_to_100(metric: str) -> None:
    assert usual_bounds(metric, [0.0, 1.0]) == (0.0, 1.0)
    assert usual_bounds(metric, [0.5, 97.0]) == (0.0, 100.0)


@pytest.mark.parametrize("metric", ["rmse", "val_rmse", "log_loss", "crossEntropy", "bits_per_byte", "perplexity"])
def test_an_error_is_not_negative(metric: str) -> None:
    assert usual_bounds(metric, [0.1]) == (0.0, math.inf)


@pytest.mark.parametrize(("metric", "value"), [("loss", 0.5), ("reward", 0.5), ("accuracy", -1.0), ("rmse", -0.1)])
def test_other_metrics_and_values_that_contradict_the_name_have_no_bounds(metric: str, value: float) -> None:
    assert usual_bounds(metric, [value]) == (-math.inf, math.inf)
