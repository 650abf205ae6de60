"""The port of what remembers a study while it runs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from tuner.domain.decision import Comparison
from tuner.domain.trial import Report, TrialRecord


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialUpdate:
    """A trial as it now is, the report that made it so (None where none did), and what was compared because of it."""

    trial: TrialRecord
    report: Report | None = None
    comparisons: tuple[Comparison, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What is stored together: all of it, or none of it.

    `begun` are new trials, whose numbers follow the last one stored. `changes` are those of trials that were stored
    before, in the order in which they happened. `rescheduled` are trials that continue from others' states: their
    schedules are stored. `notes` are JSON values about the study itself, each in place of an older one under its key.
    `dequeued` are the keys of what is taken out of the study's queue, as it has become a new trial.
    """

    begun: tuple[TrialRecord, ...] = ()
    changes: tuple[TrialUpdate, ...] = ()
    rescheduled: tuple[TrialRecord, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    dequeued: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.begun or self.changes or self.rescheduled or self.notes or self.dequeued)


class StudyWriter(ABC):
    """Writes down what happened before anyone acts on it; only one process writes a study.

    Every call is one transaction: all of it is stored when the call returns, or none of it. Raises `StorageError`.
    """

    @abstractmethod
    def store(self, transaction: Transaction) -> None:
        """Store all of the transaction."""

    @final
    def begin(self, trials: Sequence[TrialRecord]) -> None:
        """Store new trials only."""
        self.store(Transaction(begun=tuple(trials)))

    @final
    def write(self, changes: Sequence[TrialUpdate]) -> None:
        """Store only changes of trials that were stored before."""
        self.store(Transaction(changes=tuple(changes)))

    @final
    def reschedule(self, trials: Sequence[TrialRecord]) -> None:
        """Store only the schedules of trials that continue from others' states."""
        self.store(Transaction(rescheduled=tuple(trials)))

    @final
    def annotate(self, key: str, value: Any) -> None:
        """Store only a JSON value about the study itself, in place of an older one under the same key."""
        self.store(Transaction(notes={key: value}))
