"""What a report may look like."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from tuner.domain.reporting import as_step, combined, portable


@pytest.mark.parametrize(
    ("metrics", "named", "whole"),
    [
        ({"a": 1.0}, {}, {"a": 1.0}),
        (None, {"b": 2.0}, {"b": 2.0}),
        ({"a": 1.0}, {"b": 2.0}, {"a": 1.0, "b": 2.0}),
        (0.5, {}, 0.5),
    ],
)
def test_metrics_are_a_mapping_or_keywords_or_both_or_a_number(metrics: Any, named: Any, whole: Any) -> None:
    assert combined(metrics, named) == whole


@pytest.mark.parametrize(("metrics", "named"), [(None, {}), ({}, {}), (0.5, {"b": 2.0})])
def test_a_report_that_says_nothing_or_two_things_is_refused(metrics: Any, named: Any) -> None:
    with pytest.raises(TypeError, match="give what was measured"):
        combined(metrics, named)


@pytest.mark.parametrize("step", [0, -3, True, 1.5, "2"])
def test_a_step_is_a_whole_number_from_one(step: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        as_step(step)
    assert as_step(1) == 1
    assert as_step(None) is None


def test_what_another_process_is_sent_is_numbers_and_text() -> None:
    metrics = {"loss": np.float32(0.5), "each": torch.zeros(2), "big": 10**400, 3: None, "name": "adam"}
    assert portable(metrics) == {
        "loss": 0.5, "each": "tensor([0., 0.])", "big": math.inf, "3": "None", "name": "adam",
    }  # fmt: skip
    assert portable(torch.tensor([0.5], requires_grad=True)) == 0.5
