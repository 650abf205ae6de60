"""When to give up on a study: trials that all fail in the same way, or too many that fail."""

import re
from typing import final

from tuner.domain.trial import FailureReason, TrialRecord

FIRST = 5
"""So many trials that fail in the same way, before any other end, are a mistake in the study."""

_ENOUGH = 20
_SHARE = 0.75


@final
class Breaker:
    """Counts how the trials of one run end.

    It trips when the first five all failed with the same error, numbers in it aside, and when three of four of at least
    twenty have failed. What failed in an earlier run does not count: it may have been mended.
    """

    def __init__(self) -> None:
        self._ended = 0
        self._failed = 0
        self._errors: set[tuple[FailureReason, str]] = set()

    def trips(self, trial: TrialRecord) -> bool:
        """Take note of a trial that is over, and return whether the study should be."""
        self._ended += 1
        if trial.failure is not None:
            self._failed += 1
            self._errors.add((trial.failure.reason, re.sub(r"[\d.]+", "#", trial.failure.message)))
        all_alike = self._failed == self._ended and len(self._errors) == 1
        return (all_alike and self._ended >= FIRST) or (self._ended >= _ENOUGH and self._failed >= _SHARE * self._ended)
