"""The port of what remembers a study while it runs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.trial import Report, TrialRecord


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A trial as it now is, and the report that made it so (None where none did)."""

    trial: TrialRecord
    report: Report | None = None


class Journal(ABC):
    """Writes down what happened before anyone acts on it; only one process writes a study.

    Every call is one transaction: all of it is stored when the call returns, or none of it. Raises `StorageError`.
    """

    @abstractmethod
    def begin(self, trials: Sequence[TrialRecord]) -> None:
        """Store new trials; their numbers follow the last one stored."""

    @abstractmethod
    def write(self, changes: Sequence[Change]) -> None:
        """Store what became of trials that `begin` stored."""

    @abstractmethod
    def reschedule(self, trials: Sequence[TrialRecord]) -> None:
        """Store the schedules of trials that go on from others' states."""

    @abstractmethod
    def annotate(self, key: str, value: Any) -> None:
        """Store a JSON value about the study itself, in place of an older one under the same key."""
