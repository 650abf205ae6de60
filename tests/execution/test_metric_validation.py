import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from tuner.domain.trial import Failure, FailureReason
from tuner.execution.metric_validation import left_out, measured


@pytest.mark.parametrize(
    "value",
    [
        1,
        0.5,
        True,
        np.float32(0.5),
        np.int64(3),
        np.array(0.5),
        np.array([0.5]),
        np.array([[3]]),
        torch.tensor(0.5),
        torch.tensor([1]),
        Fraction(1, 2),
    ],
)
def test_anything_that_converts_to_a_float_is_a_number(value: Any) -> None:
    result = measured({"accuracy": value}, ("accuracy",))
    assert result == {"accuracy": float(value.item() if hasattr(value, "item") else value)}


@pytest.mark.parametrize(
    ("yielded", "reason", "words"),
    [
        (None, FailureReason.NO_METRICS, "yielded None instead of a dict"),
        ("0.5", FailureReason.NO_METRICS, "yielded '0.5'"),
        (math.nan, FailureReason.NOT_FINITE, "'accuracy' is nan"),
        ({}, FailureReason.MISSING_METRIC, "it yields: nothing"),
        ({"acuracy": 1}, FailureReason.MISSING_METRIC, "does not yield the study's metric 'accuracy'"),
        ({"accuracy": math.nan}, FailureReason.NOT_FINITE, "'accuracy' is nan"),
        ({"accuracy": -math.inf}, FailureReason.NOT_FINITE, "'accuracy' is -inf"),
        ({"accuracy": 10**400}, FailureReason.NOT_FINITE, "'accuracy' is inf"),
        ({"accuracy": "0.5"}, FailureReason.NOT_A_NUMBER, "is '0.5', which is not a number"),
        ({"accuracy": None}, FailureReason.NOT_A_NUMBER, "is None"),
        ({"accuracy": torch.zeros(2)}, FailureReason.NOT_A_NUMBER, "tensor"),
        ({"accuracy": 1j}, FailureReason.NOT_A_NUMBER, "1j"),
    ],
)
def test_what_is_no_finite_number_is_a_failure_with_its_reason(yielded: Any, reason: FailureReason, words: str) -> None:
    result = measured(yielded, ("accuracy",))
    assert isinstance(result, Failure)
    assert result.reason is reason
    assert words in result.message


def test_a_number_by_itself_is_the_only_metric_that_is_wanted() -> None:
    assert measured(0.5, ("accuracy",)) == {"accuracy": 0.5}
    assert isinstance(measured(0.5, ("accuracy", "loss")), Failure)


def test_a_long_value_is_shown_short() -> None:
    result = measured("x" * 1000, ("accuracy",))
    assert isinstance(result, Failure)
    assert len(result.message) < 200


def test_a_tensor_that_carries_its_gradient_is_a_number() -> None:
    assert measured({"loss": torch.tensor(0.5, requires_grad=True)}, ("loss",)) == {"loss": 0.5}


@pytest.mark.parametrize("other", [math.nan, math.inf, None, "text", [1, 2], np.zeros(3), {"a": 1}])
def test_what_nobody_wants_is_left_out_where_it_is_no_number_and_said(other: Any) -> None:
    yielded = {"accuracy": 0.5, "other": other, "loss": 1}
    metrics = measured(yielded, ("accuracy",))
    assert metrics == {"accuracy": 0.5, "loss": 1.0}
    assert not isinstance(metrics, Failure)
    assert [*left_out(yielded, metrics)] == ["other"]
    assert isinstance(measured(yielded, ("accuracy", "other")), Failure)
