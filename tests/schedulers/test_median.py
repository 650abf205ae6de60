"""The median stopping rule, against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tuner import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Direction
from tuner.schedulers.median import MedianRule

Curves = NDArray[np.float64]
"""A row per trial, a column per epoch."""

curves_of_trials = st.tuples(st.integers(1, 12), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-9, 9).map(float))
)


def told(curves: Curves, epochs: int, *, min_epochs: int = 1, min_trials: int = 5) -> MedianRule:
    scheduler = MedianRule(10, Direction.MAXIMIZE, 0, min_epochs=min_epochs, min_trials=min_trials)
    for epoch in range(1, epochs + 1):
        for number, curve in enumerate(curves):
            scheduler.record(number, epoch, float(curve[epoch - 1]))
    return scheduler


def is_below(curves: Curves, number: int, epoch: int) -> bool:
    """Return whether a trial's best value is below the median of the others' averages up to the epoch."""
    averages = np.delete(curves[:, :epoch], number, axis=0).mean(axis=1)
    return bool(curves[number, :epoch].max() < np.median(averages))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(curves=curves_of_trials, min_trials=st.integers(1, 6))
def test_a_trial_stops_where_its_best_is_below_the_median_of_the_averages_of_the_others(
    curves: Curves, min_trials: int
) -> None:
    trials, epochs = curves.shape
    scheduler = told(curves, epochs, min_trials=min_trials)
    for number in range(trials):
        for epoch in range(1, epochs + 1):
            stops = trials - 1 >= min_trials and is_below(curves, number, epoch)
            assert scheduler.decide(number, epoch) is (Decision.STOP if stops else Decision.CONTINUE)


def ladder(trials: int, epochs: int = 3) -> Curves:
    """Return constant curves: trial n measures n."""
    return np.tile(np.arange(trials, dtype=float)[:, np.newaxis], epochs)


def test_a_trial_below_the_median_of_its_peers_stops() -> None:
    scheduler = told(ladder(7), 3)
    assert [scheduler.decide(number, 3).name for number in range(7)] == ["STOP"] * 3 + ["CONTINUE"] * 4


def test_a_trial_that_once_was_good_goes_on_though_it_is_poor_now() -> None:
    curves = ladder(7)
    curves[0] = [6.0, -50.0, -50.0]
    assert told(curves, 3).decide(0, 3) is Decision.CONTINUE


def test_nobody_stops_before_the_first_epoch_of_decision() -> None:
    scheduler = told(ladder(7), 3, min_epochs=3)
    assert scheduler.decide(0, 2) is Decision.CONTINUE
    assert scheduler.decide(0, 3) is Decision.STOP


def test_nobody_stops_while_too_few_others_have_come_as_far() -> None:
    scheduler = told(ladder(7, epochs=1), 1, min_trials=3)
    for number in (0, 4, 5):
        scheduler.record(number, 2, float(number))
    assert scheduler.decide(0, 2) is Decision.CONTINUE
    scheduler.record(6, 2, 6.0)
    assert scheduler.decide(0, 2) is Decision.STOP


@pytest.mark.parametrize("options", [{"min_epochs": 0}, {"min_epochs": 11}, {"min_trials": 0}])
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=rf"scheduler\.{name}: {options[name]} is"):
        MedianRule(10, Direction.MAXIMIZE, 0, **options)


def test_every_mistake_in_the_options_is_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        MedianRule(10, Direction.MAXIMIZE, 0, min_epochs=0, min_trials=0, warm_up=10)
    assert len(caught.value.problems) == 3


def test_others_are_compared_by_their_first_report_at_or_beyond_the_step() -> None:
    rule = MedianRule(10_000, Direction.MAXIMIZE, 0, min_trials=2)
    for number, value in ((0, 0.2), (1, 0.4)):
        rule.record(number, 900 + number, 9.0)
        rule.record(number, 1_100 + number, value)
    rule.record(2, 1_000, 4.0)
    assert rule.decide(2, 1_000) is Decision.STOP, "the others average 4.6 and 4.7 when they pass step 1,000"
    rule.record(3, 1_102, 4.0)
    assert rule.decide(3, 1_102) is Decision.CONTINUE, "no other has come so far"


def test_nothing_is_stopped_before_the_warm_up_is_over() -> None:
    rule = MedianRule(10, Direction.MAXIMIZE, 0, min_trials=1, warm_up=2)
    for epoch in (1, 2):
        rule.record(0, epoch, 1.0)
        rule.record(1, epoch, 0.0)
    assert [rule.decide(1, epoch) for epoch in (1, 2)] == [Decision.CONTINUE, Decision.STOP]


def test_a_comparison_has_the_median_of_the_others_and_what_was_decided() -> None:
    scheduler = MedianRule(9, Direction.MINIMIZE, 0, min_trials=2)
    for number, value in enumerate([1.0, 3.0, 4.0]):
        scheduler.record(number, 1, value)
    (comparison,) = scheduler.comparisons(2, 1)
    assert (comparison.value, comparison.needed, comparison.compared) == (4.0, 2.0, 2)
    assert comparison.decision is scheduler.decide(2, 1) is Decision.STOP
    assert MedianRule(9, Direction.MINIMIZE, 0).comparisons(0, 1) == ()


def test_trials_that_break_a_constraint_stop_no_others() -> None:
    scheduler = MedianRule(10, Direction.MAXIMIZE, 0, min_trials=2)
    for number, value in enumerate([0.9, 0.9, 0.25, 0.5, 0.75]):
        if number < 2:
            scheduler.record_excess(number, 1, 0.1)
        scheduler.record(number, 1, value)
    assert [scheduler.decide(number, 1) for number in (3, 4)] == [Decision.CONTINUE, Decision.CONTINUE]
    assert scheduler.decide(2, 1) is Decision.STOP
