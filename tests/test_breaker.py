"""A study gives up when it is plain that more trials would fail."""

import pytest

from tuner.breaker import FIRST, Breaker
from tuner.domain.config import Config
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState


def ended(message: str = "", reason: FailureReason = FailureReason.RAISED) -> TrialRecord:
    failure = Failure(reason=reason, message=message) if message else None
    state = TrialState.FAIL if failure else TrialState.COMPLETE
    return TrialRecord(number=0, state=state, config=Config({}), failure=failure)


def test_the_same_error_in_the_first_trials_is_enough() -> None:
    breaker = Breaker()
    assert [breaker.trips(ended("KeyError: 'lr'")) for _ in range(FIRST)] == [False] * (FIRST - 1) + [True]


def test_numbers_in_it_make_no_other_error() -> None:
    breaker = Breaker()
    tripped = [breaker.trips(ended(f"loss {number / 7} is above 3 (train.py:12)")) for number in range(FIRST)]
    assert tripped[-1]


@pytest.mark.parametrize(
    "first", [ended(), ended("ValueError: other"), ended("KeyError: 'lr'", FailureReason.OUT_OF_MEMORY)]
)
def test_one_other_end_before_lets_the_study_go_on(first: TrialRecord) -> None:
    breaker = Breaker()
    assert not any(breaker.trips(trial) for trial in [first, *(ended("KeyError: 'lr'") for _ in range(12))])


def test_three_failures_of_four_are_too_many_once_there_are_twenty() -> None:
    breaker = Breaker()
    ends = [ended() if number % 4 == 0 else ended(f"{chr(97 + number)} broke") for number in range(20)]
    assert [breaker.trips(trial) for trial in ends] == [False] * 19 + [True]


def test_two_of_three_are_not() -> None:
    breaker = Breaker()
    assert not any(breaker.trips(ended() if number % 3 == 0 else ended("it broke")) for number in range(300))
