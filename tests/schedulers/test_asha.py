"""The stopping variant of successive halving, against its definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Decision
from tuner.domain.decision import Yardstick
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
        for each in (1, 3, 9):
            scheduler.record(number, each, value if each == epoch else -value)
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
        scheduler.record(number, 1, 0.0)
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


def test_the_first_report_beyond_a_rung_is_judged_at_it_and_no_later_one_is() -> None:
    scheduler = ASHA(27_000, Direction.MAXIMIZE, 0, min_epochs=1_000)
    for number, step in enumerate((1_100, 1_000, 1_250)):
        scheduler.record(number, step, -float(number))
    scheduler.record(2, 1_400, -9.0)
    decisions = [scheduler.decide(number, step) for number, step in ((0, 1_100), (1, 1_000), (2, 1_250), (2, 1_400))]
    assert decisions == [Decision.CONTINUE, Decision.STOP, Decision.STOP, Decision.CONTINUE]


def test_a_report_that_passes_two_rungs_is_judged_at_both() -> None:
    scheduler = ASHA(27_000, Direction.MAXIMIZE, 0, min_epochs=1_000)
    scheduler.record(0, 1_000, 0.9)
    scheduler.record(1, 3_500, 0.5)
    assert scheduler.decide(1, 3_500) is Decision.STOP, "it is the first at 3,000, and the second of two at 1,000"
    scheduler.record(2, 3_100, 0.95)
    assert scheduler.decide(2, 3_100) is Decision.CONTINUE


def test_nothing_is_judged_before_the_warm_up_is_over() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0, warm_up=4)
    assert scheduler.decision_epochs(0) == (9,)


def test_without_epochs_the_first_rung_lies_three_halvings_before_the_end() -> None:
    assert ASHA.unit_defaults(20_000, {}) == {"min_epochs": 740}
    assert ASHA.unit_defaults(20_000, {"eta": 2}) == {"min_epochs": 2_500}


def test_a_warm_up_as_long_as_the_budget_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="warm_up: 27 is not below"):
        ASHA(27, Direction.MAXIMIZE, 0, warm_up=27)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=reports_at_a_rung, eta=st.integers(2, 5), direction=st.sampled_from(Direction))
def test_a_trial_continues_exactly_if_its_value_is_as_good_as_the_one_that_was_needed(
    values: list[float], eta: int, direction: Direction
) -> None:
    scheduler = ASHA(100, direction, 0, eta=eta)
    for number, value in enumerate(values):
        scheduler.record(number, 1, value)
        (comparison,) = scheduler.comparisons(number, 1)
        assert comparison.decision is scheduler.decide(number, 1)
        misses = direction.is_better(comparison.needed, value)
        assert comparison.decision is (Decision.STOP if misses else Decision.CONTINUE)
        assert (comparison.value, comparison.compared) == (value, number + 1)


def test_a_report_that_crosses_no_rung_compares_nothing() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    scheduler.record(0, 1, 0.5)
    scheduler.record(0, 2, 0.5)
    assert scheduler.comparisons(0, 2) == ()


def test_with_several_metrics_the_front_of_a_rung_continues_and_what_others_beat_stops() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    rung = [(0.9, -9.0), (0.1, -1.0), (0.5, -5.0), (0.4, -6.0), (0.9, -9.5), (0.0, -0.5)]
    for number, merits in enumerate(rung):
        scheduler.record_several(number, 1, merits)
    stopped = [number for number in range(len(rung)) if scheduler.decide(number, 1) is Decision.STOP]
    assert stopped == [3, 4]
    (compared,) = scheduler.comparisons(3, 1)
    assert compared.yardstick is Yardstick.FRONT
    assert (compared.value, compared.compared, compared.places) == (6.0, 6, 2)


def test_with_several_metrics_a_large_rung_lets_fronts_beyond_the_first_continue() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number in range(9):  # each is beaten by all before it
        scheduler.record_several(number, 1, (-float(number), -float(number)))
    assert [number for number in range(9) if scheduler.decide(number, 1) is Decision.CONTINUE] == [0, 1, 2]


def test_a_trial_that_breaks_a_constraint_takes_no_place_from_one_that_keeps_it() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number in range(4):
        scheduler.record_excess(number, 1, 0.1)
        scheduler.record(number, 1, 0.9)
    scheduler.record(4, 1, 0.5)
    assert scheduler.decide(4, 1) is Decision.CONTINUE
    assert scheduler.decide(0, 1) is Decision.STOP
    (compared,) = scheduler.comparisons(0, 1)
    assert (compared.yardstick, compared.value, compared.needed) == (Yardstick.CONSTRAINTS, 0.1, 0.0)


def test_where_all_break_a_constraint_those_continue_that_are_least_beyond_it() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    for number, excess in enumerate([0.3, 0.1, 0.2]):
        scheduler.record_excess(number, 1, excess)
        scheduler.record(number, 1, excess)
    assert [scheduler.decide(number, 1) for number in range(3)] == [Decision.STOP, Decision.CONTINUE, Decision.STOP]


def test_with_several_metrics_a_front_has_only_trials_that_keep_the_constraints() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    scheduler.record_excess(0, 1, 0.5)
    for number, merits in enumerate([(0.9, 0.9), (0.5, 0.5), (0.4, 0.6)]):
        scheduler.record_several(number, 1, merits)
    assert [scheduler.decide(number, 1) for number in range(3)] == [Decision.STOP, Decision.CONTINUE, Decision.CONTINUE]


def test_a_trial_that_keeps_the_constraints_at_a_later_rung_is_compared_by_its_value_there() -> None:
    scheduler = ASHA(27, Direction.MAXIMIZE, 0)
    scheduler.record_excess(0, 1, 0.5)
    scheduler.record(0, 1, 0.9)
    scheduler.record(0, 3, 0.9)
    assert [each.yardstick for epoch in (1, 3) for each in scheduler.comparisons(0, epoch)] == [
        Yardstick.CONSTRAINTS,
        Yardstick.BEST,
    ]
