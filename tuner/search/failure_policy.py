"""When to give up on a study: trials that fail from the beginning, or have all failed alike for long."""

from collections.abc import Iterable
from typing import final

from tuner.domain.trial import FailureReason, TrialRecord, TrialState

FIRST = 5
"""So many trials that fail in the same way, before any other end, are a mistake in the study."""

FIRST_OF_ANY_KIND = 20
"""So many that fail in different ways, or in one that depends on the configuration."""

LATER = 50
"""So many in a row that fail in the same way although others did not: something has changed for good."""

_OF_THE_CONFIGURATION = (FailureReason.NOT_FINITE, FailureReason.OUT_OF_MEMORY, FailureReason.MEMORY_LIMIT)
"""How a trial fails at once where its configuration diverges or is too large: another one may be fine."""


@final
class Breaker:
    """Counts how many trials have failed in a row, those of earlier runs of the study included.

    A study that has found something is given up only after a long row of equal failures (numbers in the messages
    aside): in a large part of a space every trial may fail. One whose trials have all failed so far stops after a few;
    resumed, it stops only once as many as had failed before have failed again, so that every run gets further.
    """

    def __init__(self, earlier: Iterable[TrialRecord] = ()) -> None:
        ended = [trial for trial in earlier if trial.state.is_finished]
        self._has_succeeded = any(trial.state is not TrialState.FAIL for trial in ended)
        self._failed_before = len(ended)
        self._in_a_row = 0
        self._furthest = 0
        self._errors: set[tuple[FailureReason, str]] = set()

    def trips(self, trial: TrialRecord, furthest: int = 0, *, others_wait: bool = False) -> bool:
        """Record a trial that is over, and return whether the study should be.

        `furthest` is the last epoch that an unfinished trial has reported. One that came further than all that failed
        shows that not every trial fails. `others_wait` says that members of a cohort that failed as a whole still have
        to be tried one by one: those that would not fail may be among them, so a few failures prove nothing.
        """
        if trial.failure is None:
            self._has_succeeded = True
            self._in_a_row = 0
            self._errors.clear()
            return False
        self._in_a_row += 1
        self._errors.add((trial.failure.reason, trial.failure.pattern))
        are_alike = len(self._errors) == 1
        self._furthest = max(self._furthest, trial.last_epoch)
        if self._has_succeeded or furthest > self._furthest:
            return are_alike and self._in_a_row >= LATER
        is_a_mistake = are_alike and trial.failure.reason not in _OF_THE_CONFIGURATION and not others_wait
        return self._in_a_row >= max(FIRST if is_a_mistake else FIRST_OF_ANY_KIND, self._failed_before)
