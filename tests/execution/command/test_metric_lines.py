"""What a line of JSON reports: numbers as JSON has them, and the number of an epoch also as text."""

import pytest

from tuner.execution.command.metric_lines import MetricLines
from tuner.execution.metric_validation import measured


@pytest.mark.parametrize(("epoch", "number"), [("3", 3.0), ('"3"', 3.0), ('"3 of 9"', None), ("true", None)])
def test_the_number_of_an_epoch_may_be_text_and_what_is_none_counts_as_the_next(
    epoch: str, number: float | None
) -> None:
    printed = MetricLines(["loss"]).read(f'{{"epoch": {epoch}, "loss": 0.5}}')
    assert printed is not None
    assert (printed.number, printed.metrics) == (number, {"loss": 0.5})


def test_true_and_false_are_the_metrics_1_and_0() -> None:
    printed = MetricLines(["solved"]).read('{"solved": true, "cut": false}')
    assert printed is not None
    assert measured(printed.metrics, ["solved"]) == {"solved": 1.0, "cut": 0.0}
