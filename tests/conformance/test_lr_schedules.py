"""What every lr_schedule promises."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.objectives._components import PARTS
from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

SCHEDULES = PARTS["lr_schedule"]


@pytest.mark.parametrize("name", SCHEDULES.names)
@given(progress=st.floats(0, 1), warmup=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_a_factor_lies_between_nothing_and_the_full_rate(name: str, progress: float, warmup: float) -> None:
    assert 0 <= SCHEDULES[name](warmup=warmup).factor(progress) <= 1


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_the_full_rate_is_reached(name: str) -> None:
    assert max(SCHEDULES[name]().factor(step / 1000) for step in range(1001)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_a_warm_up_rises_in_a_straight_line_and_then_leaves_the_schedule_alone(name: str) -> None:
    plain, warm = SCHEDULES[name](), SCHEDULES[name](warmup=0.2)
    assert warm.factor(0.0) == 0
    for progress in (0.05, 0.1, 0.19):
        assert warm.factor(progress) == pytest.approx(progress / 0.2 * plain.factor(progress))
    for progress in (0.2, 0.6, 1.0):
        assert warm.factor(progress) == plain.factor(progress)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_a_schedule_is_a_final_member_without_warm_up_unless_asked(name: str) -> None:
    assert issubclass(SCHEDULES[name], LrSchedule)
    assert SCHEDULES[name].__final__
    assert SCHEDULES[name]().warmup == 0


def test_constant_is_one() -> None:
    assert [SCHEDULES["constant"]().factor(progress) for progress in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_step_drops_at_every_whole_multiple() -> None:
    schedule = SCHEDULES["step"](every=0.3, gamma=0.1)
    factors = [schedule.factor(progress) for progress in (0.0, 0.29, 0.3, 0.6, 0.9)]
    assert factors == pytest.approx([1, 1, 0.1, 0.01, 0.001])


def test_cosine_falls_to_its_final_share() -> None:
    schedule = SCHEDULES["cosine"](final=0.2)
    assert [schedule.factor(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.6, 0.2])
    assert schedule.factor(0.25) == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2)


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing() -> None:
    schedule = SCHEDULES["one_cycle"](start=0.04, peak=0.4)
    factors = [schedule.factor(progress) for progress in (0.0, 0.2, 0.4, 0.7, 1.0)]
    assert factors == pytest.approx([0.04, 0.52, 1, 0.5, 0])


def test_coslog4_is_0_at_both_ends_and_between_its_waves_of_which_each_is_twice_as_long() -> None:
    schedule = SCHEDULES["coslog4"]()
    assert [schedule.factor(each / 15) for each in (0, 1, 3, 7, 15)] == pytest.approx([0, 0, 0, 0, 0], abs=1e-9)
    assert schedule.factor((2**3.5 - 1) / 15) == pytest.approx(1)
