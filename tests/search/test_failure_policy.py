"""A study gives up when it is plain that more trials would fail."""

import pytest

from tuner.domain.config import Config
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.search.failure_policy import FIRST, FIRST_OF_ANY_KIND, LATER, MAX_RETRIES, FailurePolicy, Recovery


def ended(message: str = "", reason: FailureReason = FailureReason.RAISED, epochs: int = 0) -> TrialRecord:
    failure = Failure(reason=reason, message=message) if message else None
    state = TrialState.FAIL if failure else TrialState.COMPLETE
    curve = dict.fromkeys(range(1, epochs + 1), 0.5)
    return TrialRecord(number=0, state=state, config=Config({}), failure=failure, curve=curve)


def aborts(policy: FailurePolicy, trial: TrialRecord, furthest: int = 0, *, others_wait: bool = False) -> bool:
    """Record the end of a trial, and return whether the study is aborted."""
    policy.count_end(trial, furthest, others_wait=others_wait)
    return policy.should_abort


def lasts(policy: FailurePolicy, *trials: TrialRecord) -> int:
    """Return how many of the trials end before the study does."""
    return next((count for count, trial in enumerate(trials) if aborts(policy, trial)), len(trials))


def test_the_same_error_in_the_first_trials_is_enough() -> None:
    policy = FailurePolicy()
    assert [aborts(policy, ended("KeyError: 'lr'")) for _ in range(FIRST)] == [False] * (FIRST - 1) + [True]


def test_numbers_in_it_make_no_other_error() -> None:
    policy = FailurePolicy()
    aborted = [aborts(policy, ended(f"loss {number / 7} is above 3 (train.py:12)")) for number in range(FIRST)]
    assert aborted[-1]


@pytest.mark.parametrize("reason", [FailureReason.NOT_FINITE, FailureReason.OUT_OF_MEMORY, FailureReason.MEMORY_LIMIT])
def test_configurations_that_diverge_or_are_too_large_are_given_more_chances(reason: FailureReason) -> None:
    assert lasts(FailurePolicy(), *[ended("m is nan", reason)] * 100) == FIRST_OF_ANY_KIND - 1


def test_different_errors_are_given_more_chances() -> None:
    assert (
        lasts(FailurePolicy(), *(ended(f"{chr(97 + number)} broke") for number in range(25))) == FIRST_OF_ANY_KIND - 1
    )


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_a_study_that_keeps_finding_usable_trials_goes_on_however_many_fail(state: TrialState) -> None:
    good = TrialRecord(number=0, state=state, config=Config({}))
    trials = [good if number % 25 == 0 else ended("m is nan", FailureReason.NOT_FINITE) for number in range(500)]
    assert lasts(FailurePolicy(), *trials) == len(trials)


def test_a_long_row_of_equal_failures_ends_any_study() -> None:
    assert lasts(FailurePolicy(), ended(), *[ended("No space left on device")] * 100) == LATER


def test_a_long_row_of_different_failures_does_not() -> None:
    trials = [ended("it broke" if number % 2 else "m is nan") for number in range(200)]
    assert lasts(FailurePolicy(), ended(), *trials) == 1 + len(trials)


def test_a_running_trial_that_came_further_shows_that_not_all_fail() -> None:
    policy = FailurePolicy()
    assert not any(aborts(policy, ended("it diverged", epochs=1), furthest=2) for _ in range(FIRST))
    assert aborts(policy, ended("it diverged", epochs=1), furthest=1)


def test_members_of_a_broken_cohort_that_are_still_to_be_tried_make_a_few_failures_no_proof() -> None:
    policy = FailurePolicy()
    assert not any(aborts(policy, ended("it broke"), others_wait=True) for _ in range(FIRST_OF_ANY_KIND - 1))
    assert aborts(policy, ended("it broke"), others_wait=True)
    assert aborts(FailurePolicy(), ended("it broke")) is False
    assert aborts(policy, ended("it broke"))


def test_a_resumed_study_that_had_usable_trials_is_no_new_one() -> None:
    assert lasts(FailurePolicy([ended()]), *[ended("KeyError: 'lr'")] * 40) == 40


def test_a_resumed_study_of_which_every_trial_failed_gets_further_with_each_run() -> None:
    stored: list[TrialRecord] = []
    lengths = []
    for _ in range(4):
        lengths.append(lasts(FailurePolicy(stored), *[ended("KeyError: 'lr'")] * 100) + 1)
        stored += [ended("KeyError: 'lr'")] * lengths[-1]
    assert lengths == [5, 5, 10, 20]


def test_unfinished_trials_of_an_earlier_run_say_nothing() -> None:
    waiting = TrialRecord(number=0, state=TrialState.WAITING, config=Config({}))
    assert lasts(FailurePolicy([waiting]), *[ended("KeyError: 'lr'")] * 100) == FIRST - 1


RAISED, COHORT_RAISED, OUT_OF_MEMORY = FailureReason.RAISED, FailureReason.COHORT_RAISED, FailureReason.OUT_OF_MEMORY
MEMORY_LIMIT, TIMEOUT = FailureReason.MEMORY_LIMIT, FailureReason.TIMEOUT


@pytest.mark.parametrize(
    ("reason", "members", "recovery"),
    [
        (RAISED, 4, Recovery.FAIL),
        (MEMORY_LIMIT, 4, Recovery.FAIL),
        (COHORT_RAISED, 4, Recovery.ALONE),
        (COHORT_RAISED, 1, Recovery.FAIL),
        (OUT_OF_MEMORY, 4, Recovery.SPLIT),
        (OUT_OF_MEMORY, 1, Recovery.FAIL),
    ],
)
def test_only_a_failure_that_cannot_be_attributed_to_one_member_is_tried_again(
    reason: FailureReason, members: int, recovery: Recovery
) -> None:
    assert FailurePolicy().after_failure(0, Failure(reason=reason, message=""), members) is recovery


@pytest.mark.parametrize("reason", FailureReason)
def test_only_failures_that_may_pass_are_retried_and_no_more_often_than_is_allowed(reason: FailureReason) -> None:
    policy, failure = FailurePolicy(retries=2), Failure(reason=reason, message="")
    found = []
    for _ in range(3):
        found.append(policy.after_failure(7, failure, 1))
        policy.count_retry(7)
    again = Recovery.RETRY if reason in {RAISED, OUT_OF_MEMORY} else Recovery.FAIL
    assert found == [again, again, Recovery.FAIL]
    assert policy.after_failure(8, failure, 1) is again


@pytest.mark.parametrize(
    ("reason", "members", "recovery"),
    [
        (TIMEOUT, 4, Recovery.ALONE),
        (TIMEOUT, 1, Recovery.FAIL),
        (MEMORY_LIMIT, 4, Recovery.SPLIT),
        (MEMORY_LIMIT, 1, Recovery.FAIL),
    ],
)
def test_a_limit_that_ends_a_cohort_fails_a_member_only_where_it_is_alone(
    reason: FailureReason, members: int, recovery: Recovery
) -> None:
    assert FailurePolicy().after_limit(Failure(reason=reason, message=""), members) is recovery


def test_a_trial_is_tried_again_until_its_worker_died_once_too_often() -> None:
    policy = FailurePolicy()
    recoveries = []
    for _ in range(MAX_RETRIES + 1):
        policy.count_loss(3)
        recoveries.append(policy.after_loss(3))
    assert recoveries == [Recovery.RETRY] * MAX_RETRIES + [Recovery.FAIL]
    assert policy.after_loss(4) is Recovery.RETRY
