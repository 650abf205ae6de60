"""Several parts of a run, one after the other, in the same workers: a search, and the confirmation of what it found."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import final

from tuner.domain.assignment import Assignment, CohortUpdate
from tuner.domain.live_control import NOTHING_ASKED, LiveControl
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.trial import Failure, Metrics, Report

Begin = Callable[[int], RunController | None]
"""Begins a part of a run, after parts that have issued so many assignments; None where there is nothing to do."""


@final
class ControllerSequence(RunController):
    """Controls the `first` part, and each of the `following` ones once the part before has reached its target.

    An executor sees one run, so its workers stay warm from part to part.
    """

    def __init__(self, first: RunController, following: Iterable[Begin]) -> None:
        self._part = first
        self._following = list(following)
        self._works = 0
        self._stop: StopCause | None = None
        self._early_end: StopCause | None = None
        self._asked, self._is_first = NOTHING_ASKED, True

    @property
    def stop_cause(self) -> StopCause | None:
        return self._part.stop_cause or self._stop or self._early_end

    @property
    def is_finished(self) -> bool:
        return self._part.is_finished and (not self._following or self.is_stopping)

    @property
    def is_paused(self) -> bool:
        return self._part.is_paused

    def control(self, asked: LiveControl) -> None:
        self._asked = asked
        self._part.control(self._of_part(asked))

    def _of_part(self, asked: LiveControl) -> LiveControl:
        """Return what is asked of the present part: only the first one can have more trials."""
        return asked if self._is_first else replace(asked, trials=None)

    def stop(self, cause: StopCause) -> None:
        self._stop = self._stop or cause
        self._part.stop(self._stop)

    def next_work(self) -> Assignment | None:
        assignment = self._part.next_work()
        while assignment is None and self._is_next():
            self._early_end = self._part.stop_cause
            self._part, self._is_first = self._following.pop(0)(self._works) or self._part, False
            self._part.control(self._of_part(self._asked))
            if self._stop is not None:  # a signal that came in between
                self._part.stop(self._stop)
            assignment = self._part.next_work()
        if assignment is not None:
            self._works = assignment.id
        return assignment

    def report(self, reports: Iterable[Report], *, admits: bool = True) -> CohortUpdate:
        return self._part.report(reports, admits=admits)

    def lost(self, assignment: Assignment, reason: str, *, counts: bool = True) -> None:
        self._part.lost(assignment, reason, counts=counts)

    def overran(self, assignment: Assignment, failure: Failure) -> None:
        self._part.overran(assignment, failure)

    def tested(self, assignment: Assignment, outcome: Metrics | Failure | None) -> None:
        self._part.tested(assignment, outcome)

    def abandon(self) -> None:
        self._part.abandon()

    def _is_next(self) -> bool:
        return bool(self._following) and self._part.is_finished and not self.is_stopping
