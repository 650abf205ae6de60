"""The queue of studies in a storage: those that were submitted and wait for a worker, which runs them one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, final

QUEUE = "queue"
"""The note of a study that says that it was submitted, and what became of it."""


class QueueState(Enum):
    """What became of a submitted study."""

    WAITING = "waiting"
    """It is to be run, or is being run, or was left by a worker that died."""
    DONE = "done"
    FAILED = "failed"
    """None of its trials can be used: `reason` says why."""
    STOPPED = "stopped"
    """It was asked to stop."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedStudy:
    """A submitted study; those of higher `priority` are run first, of equal ones the one that was `submitted` first."""

    name: str
    submitted: datetime
    priority: int = 0
    submitter: str = ""
    state: QueueState = QueueState.WAITING
    reason: str = ""

    def describe(self) -> dict[str, Any]:
        """Return the JSON form of the note, which has all but the name."""
        return {
            "submitted": self.submitted.isoformat(),
            "priority": self.priority,
            "submitter": self.submitter,
            "state": self.state.value,
            "reason": self.reason,
        }

    @staticmethod
    def parsed(name: str, note: Mapping[str, Any]) -> "QueuedStudy":
        """Return the study with this note; raises `KeyError`, `TypeError` or `ValueError` where it is none."""
        return QueuedStudy(
            name=name,
            submitted=datetime.fromisoformat(note["submitted"]),
            priority=int(note["priority"]),
            submitter=str(note["submitter"]),
            state=QueueState(note["state"]),
            reason=str(note["reason"]),
        )

    @property
    def place(self) -> tuple[int, datetime, str]:
        """What queued studies are ordered by, the next one first."""
        return -self.priority, self.submitted, self.name


def waits(notes: Mapping[str, Any]) -> bool:
    """Whether the notes of a study say that it waits in the queue, or was left there by a worker that died."""
    note = notes.get(QUEUE)
    return isinstance(note, Mapping) and note.get("state") == QueueState.WAITING.value
