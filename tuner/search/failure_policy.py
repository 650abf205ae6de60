"""What follows from failures: a trial is handed out again or fails, and a study of failing trials is aborted."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import final

from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState

MAX_RETRIES = 2
"""How often a trial is handed out again after its worker died."""

FIRST = 5
"""So many trials that fail in the same way, before any other end, are a mistake in the study."""

FIRST_OF_ANY_KIND = 20
"""So many that fail in different ways, or in one that depends on the configuration."""

LATER = 50
"""So many in a row that fail in the same way although others did not: something has changed for good."""

_OF_THE_CONFIGURATION = (FailureReason.NOT_FINITE, FailureReason.OUT_OF_MEMORY, FailureReason.MEMORY_LIMIT)
"""How a trial fails at once where its configuration diverges or is too large: another one may be fine."""

_OF_THE_COHORT = (FailureReason.OUT_OF_MEMORY, FailureReason.COHORT_RAISED)
"""Failures that cannot be attributed to one member as long as there are several."""

_PASSING = (FailureReason.RAISED, FailureReason.OUT_OF_MEMORY)
"""Failures of a single trial that may pass: a file system, a network or another program's memory was in the way."""

_TOO_LARGE = (FailureReason.OUT_OF_MEMORY, FailureReason.MEMORY_LIMIT)


class Recovery(Enum):
    """What is done with a trial after a failure."""

    RETRY = "retry"
    """It is handed out again."""
    SPLIT = "split"
    """Its cohort was too large for the memory: it is handed out again, in a smaller one."""
    ALONE = "alone"
    """Any member of its cohort may be the cause: it is handed out again, in a cohort of one."""
    FAIL = "fail"


@final
class FailurePolicy:
    """Chooses the recovery of each failure, and counts how many trials have failed in a row.

    A study that has usable trials is aborted only after a long row of equal failures (numbers in the messages aside):
    in a large part of a space every trial may fail. One whose trials have all failed so far is aborted after a few;
    resumed, only once as many as had failed before have failed again, so that every run gets further. `earlier` are
    the trials of earlier runs of the study. `retries` is how often a trial is handed out again in a run after failures
    that may pass.
    """

    def __init__(self, earlier: Iterable[TrialRecord] = (), *, retries: int = 0) -> None:
        self._retries = retries
        self._retried: Counter[int] = Counter()
        ended = [trial for trial in earlier if trial.state.is_finished]
        self._has_succeeded = any(trial.state is not TrialState.FAIL for trial in ended)
        self._failed_before = len(ended)
        self._in_a_row = 0
        self._furthest = 0
        self._errors: set[tuple[FailureReason, str]] = set()
        self._should_abort = False
        self._losses: Counter[int] = Counter()

    @property
    def should_abort(self) -> bool:
        """Whether so many trials have failed that more of them would be a waste."""
        return self._should_abort

    def after_failure(self, number: int, failure: Failure, members: int) -> Recovery:
        """Return what follows for trial `number` that failed in a cohort of so many `members`."""
        if members > 1 and failure.reason in _OF_THE_COHORT:
            return self.after_limit(failure, members)
        may_pass = failure.reason in _PASSING and self._retried[number] < self._retries
        return Recovery.RETRY if may_pass else Recovery.FAIL

    def count_retry(self, number: int) -> None:
        """Record that the trial is handed out again after a failure that may pass."""
        self._retried[number] += 1

    def after_limit(self, failure: Failure, members: int) -> Recovery:
        """Return what follows for each of the `members` of a cohort whose worker was ended because of a limit."""
        if members == 1:
            return Recovery.FAIL
        return Recovery.SPLIT if failure.reason in _TOO_LARGE else Recovery.ALONE

    def after_loss(self, number: int) -> Recovery:
        """Return what follows for a trial whose worker has just died."""
        return Recovery.RETRY if self._losses[number] <= MAX_RETRIES else Recovery.FAIL

    def count_loss(self, number: int) -> None:
        """Record that the worker of the trial died."""
        self._losses[number] += 1

    def count_end(self, trial: TrialRecord, furthest: int = 0, *, others_wait: bool = False) -> None:
        """Record a finished trial.

        `furthest` is the last epoch that an unfinished trial has reported. One that came further than all that failed
        shows that not every trial fails. `others_wait` says that members of a cohort that failed as a whole still have
        to be tried one by one: those that would not fail may be among them, so a few failures prove nothing.
        """
        if trial.failure is None:
            self._has_succeeded = True
            self._in_a_row = 0
            self._errors.clear()
            return
        self._in_a_row += 1
        self._errors.add((trial.failure.reason, trial.failure.pattern))
        self._furthest = max(self._furthest, trial.last_epoch)
        if self._has_succeeded or furthest > self._furthest:
            is_enough = len(self._errors) == 1 and self._in_a_row >= LATER
        else:
            is_enough = self._in_a_row >= max(self._first(trial.failure, others_wait=others_wait), self._failed_before)
        self._should_abort = self._should_abort or is_enough

    def _first(self, failure: Failure, *, others_wait: bool) -> int:
        """Return how many failures before any success are enough."""
        is_a_mistake = len(self._errors) == 1 and failure.reason not in _OF_THE_CONFIGURATION and not others_wait
        return FIRST if is_a_mistake else FIRST_OF_ANY_KIND
