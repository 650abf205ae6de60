"""What one call of the controller changes: stored in one transaction, and notified of afterwards."""

from collections.abc import Iterable
from typing import Any, final

from tuner.domain.decision import Comparison
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.study_writer import StudyWriter, Transaction, TrialUpdate
from tuner.domain.trial import Metrics, Report, TrialRecord


@final
class UnitOfWork:
    """Collects changes and events in the order in which they happen; `store` and `notify` are called once each."""

    def __init__(self) -> None:
        self._begun: list[TrialRecord] = []
        self._changes: list[TrialUpdate] = []
        self._rescheduled: list[TrialRecord] = []
        self._notes: dict[str, Any] = {}
        self._dequeued: list[str] = []
        self._warnings: list[str] = []
        self._events: list[Event] = []
        self._trials: int | None = None

    def begin(self, trials: Iterable[TrialRecord]) -> None:
        """Store new trials."""
        self._begun += trials

    def change(
        self, trial: TrialRecord, report: Report | None = None, comparisons: tuple[Comparison, ...] = ()
    ) -> None:
        """Store what became of a trial, the report that made it so, and what was compared because of it."""
        self._changes.append(TrialUpdate(trial=trial, report=report, comparisons=comparisons))

    def reschedule(self, trials: Iterable[TrialRecord]) -> None:
        """Store the schedules of trials that continue from others' states."""
        self._rescheduled += trials

    def note(self, key: str, value: Any) -> None:
        """Store a JSON value about the study itself."""
        self._notes[key] = value

    def dequeue(self, key: str) -> None:
        """Take a configuration out of the study's queue."""
        self._dequeued.append(key)

    def warn(self, text: str) -> None:
        """Warn the listeners."""
        self._warnings.append(text)

    def extend(self, trials: int) -> None:
        """Notify the listeners of how many trials there are to be in all."""
        self._trials = trials

    def event(
        self, kind: EventKind, trial: TrialRecord, *, report: Report | None = None, test_metrics: Metrics | None = None
    ) -> None:
        """Notify the listeners of what happened to a trial."""
        self._events.append(Event(kind=kind, trial=trial, report=report, test_metrics=test_metrics))

    def store(self, writer: StudyWriter) -> None:
        """Store all changes in one transaction; raises `StorageError`."""
        transaction = Transaction(
            begun=tuple(self._begun),
            changes=tuple(self._changes),
            rescheduled=tuple(self._rescheduled),
            notes=dict(self._notes),
            dequeued=tuple(self._dequeued),
        )
        if not transaction.is_empty:
            writer.store(transaction)

    def notify(self, listener: Listener) -> None:
        """Deliver the warnings and the events, which are stored by now."""
        if self._trials is not None:
            listener.extended(self._trials)
        for text in self._warnings:
            listener.warned(text)
        for event in self._events:
            listener.notify(event)
