"""The stopping variant of successive halving, against its definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Direction
from tuner.schedulers.asha import ASHA

reports_at_a_rung = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=25)


def survives(values: list[float], eta: int) -> bool:
    """Return whether the last of a rung's values is among its best `1/eta`: fewer are better than there are places."""
    return sorted(values, reverse=True).index(values[-1]) < max(1, len(values) // eta)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=reports_at_a_rung, eta=st.integers(2, 5))
def test_a_trial_goes_on_if_it_is_among_the_best_share_of_its_rung_so_far(values: list[float], eta: int) -> None:
    scheduler = ASHA(100, Direction.MAXIMIZE, 0, eta=eta)
    for number, value in enumerate(values):
        scheduler.record(number, 1, value)
        expected = Decision.CONTINUE if survives(values[: number + 1], eta) else Decision.STOP
        assert scheduler.decide(number, 1) is expected


@pytest.mark.parametrize("epoch", [1, 3, 9])
@settings(max_examples=50, deadline=None, derandomize=True)
@given(values=reports_at_a_rung)
def test_every_rung_compares_only_what_was_measured_there(epoch: int, values: list[float]) -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number, value in enumerate(values):
        for other in {1, 3, 9} - {epoch}:
            scheduler.record(number, other, -value)
        scheduler.record(number, epoch, value)
    judged = scheduler.decide(len(values) - 1, epoch)
    assert judged is (Decision.CONTINUE if survives(values, 3) else Decision.STOP)


@pytest.mark.parametrize(
    ("max_epochs", "min_epochs", "eta", "rungs"),
    [
        (27, 1, 3, (1, 3, 9)),
        (28, 1, 3, (1, 3, 9, 27)),
        (100, 4, 2, (4, 8, 16, 32, 64)),
        (5, 5, 3, ()),
        (1, 1, 3, ()),
    ],
)
def test_rungs_are_powers_of_eta_times_the_first_and_lie_before_the_last_epoch(
    max_epochs: int, min_epochs: int, eta: int, rungs: tuple[int, ...]
) -> None:
    scheduler = ASHA(max_epochs, Direction.MAXIMIZE, 0, min_epochs=min_epochs, eta=eta)
    assert scheduler.decision_epochs(7) == rungs


def test_between_rungs_nobody_stops() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number in range(10):
        scheduler.record(number, 2, -float(number))
    assert {scheduler.decide(number, 2) for number in range(10)} == {Decision.CONTINUE}


def test_trials_that_are_reported_together_are_all_heard_before_any_is_judged() -> None:
    scheduler = ASHA(27, Direction.MINIMIZE, 0)
    for number in range(9):
        scheduler.record(number, 1, float(number))
    going_on = [number for number in range(9) if scheduler.decide(number, 1) is Decision.CONTINUE]
    assert going_on == [0, 1, 2]


def test_equals_share_the_fate_of_the_best_of_them() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number, value in enumerate([0.5, 0.5, 0.5, 0.1]):
        scheduler.record(number, 1, value)
    assert [scheduler.decide(number, 1).name for number in range(4)] == ["CONTINUE"] * 3 + ["STOP"]


@pytest.mark.parametrize("options", [{"min_epochs": 0}, {"min_epochs": 28}, {"eta": 1}])
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=rf"scheduler\.{name}: {options[name]} is"):
        ASHA(27, Direction.MAXIMIZE, 0, **options)


def test_every_mistake_in_the_options_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ASHA(27, Direction.MAXIMIZE, 0, min_epochs=0, eta=0)
    assert len(caught.value.problems) == 2
