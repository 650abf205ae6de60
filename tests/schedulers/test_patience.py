"""Ending trials that have converged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Direction
from tuner.schedulers.patience import Patience


def ends_at(curve: list[float], *, epochs: int = 5, min_delta: float = 0.0) -> int | None:
    """Return the first epoch at which a trial with this curve is finished."""
    scheduler = Patience(100, Direction.MAXIMIZE, 0, epochs=epochs, min_delta=min_delta)
    for epoch, value in enumerate(curve, start=1):
        scheduler.record(0, epoch, value)
        if scheduler.decide(0, epoch) is Decision.FINISH:
            return epoch
    return None


def expected_end(curve: list[float], epochs: int, min_delta: float) -> int | None:
    best, improved = curve[0], 1
    for epoch, value in enumerate(curve, start=1):
        if value > best + min_delta:
            best, improved = value, epoch
        if epoch == improved + epochs:
            return epoch
    return None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    curve=st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30),
    epochs=st.integers(1, 6),
    min_delta=st.sampled_from([0.0, 1.0, 2.5]),
)
def test_a_trial_ends_at_the_epoch_that_the_definition_says(curve: list[float], epochs: int, min_delta: float) -> None:
    assert ends_at(curve, epochs=epochs, min_delta=min_delta) == expected_end(curve, epochs, min_delta)


def test_a_trial_ends_when_it_has_not_improved_for_so_many_epochs() -> None:
    assert ends_at([0.1, 0.5, 0.4, 0.4, 0.5, 0.2], epochs=3) == 5


def test_a_trial_that_keeps_improving_never_ends() -> None:
    assert ends_at([epoch / 100 for epoch in range(100)], epochs=1) is None


def test_slow_steps_count_when_they_add_up_to_an_improvement() -> None:
    creeping = [epoch * 0.25 for epoch in range(20)]
    assert ends_at(creeping, epochs=3, min_delta=0.5) is None
    assert ends_at(creeping, epochs=2, min_delta=0.5) == 3


def test_what_others_measure_makes_no_difference() -> None:
    alone, among = (Patience(100, Direction.MAXIMIZE, 0, epochs=2) for _ in range(2))
    for epoch, value in enumerate([0.1, 0.2, 0.2, 0.1, 0.3], start=1):
        alone.record(1, epoch, value)
        for number, each in enumerate([0.9, value, epoch / 10]):
            among.record(number, epoch, each)
        assert among.decide(1, epoch) is alone.decide(1, epoch)


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("min_delta", -1)])
def test_options_that_make_no_sense_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"scheduler\.{name}: {value} is below"):
        Patience(10, Direction.MAXIMIZE, 0, **{name: value})


def test_every_mistake_in_the_options_is_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Patience(10, Direction.MAXIMIZE, 0, epochs=0, min_delta=-1, warm_up=10)
    assert len(caught.value.problems) == 3


def test_steps_without_progress_count_from_the_report_that_improved_whatever_lies_between() -> None:
    scheduler = Patience(10_000, Direction.MAXIMIZE, 0, epochs=1_000)
    for step, value in ((500, 0.5), (900, 0.4), (1_499, 0.4), (1_500, 0.4)):
        scheduler.record(0, step, value)
    assert [scheduler.decide(0, step) for step in (900, 1_499, 1_500)] == [
        *[Decision.CONTINUE] * 2,
        Decision.FINISH,
    ]


def test_no_trial_is_ended_before_the_warm_up_is_over() -> None:
    scheduler = Patience(10, Direction.MAXIMIZE, 0, epochs=1, warm_up=3)
    for epoch in (1, 2, 3):
        scheduler.record(0, epoch, 0.0)
    assert [scheduler.decide(0, epoch) for epoch in (2, 3)] == [Decision.CONTINUE, Decision.FINISH]


def test_a_comparison_has_the_best_value_and_how_long_none_was_better() -> None:
    scheduler = Patience(27, Direction.MINIMIZE, 0, epochs=2, min_delta=0.25)
    for epoch, value in enumerate([3.0, 1.0, 2.0, 0.9], start=1):
        scheduler.record(0, epoch, value)
    (comparison,) = scheduler.comparisons(0, 4)
    assert (comparison.value, comparison.needed, comparison.compared) == (1.0, 0.75, 2)
    assert comparison.decision is Decision.FINISH
