"""Events of a running study, and the listeners that are notified of them once they are stored."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import final

from tuner.domain.run_controller import StopCause
from tuner.domain.trial import Metrics, Report, TrialRecord


class EventKind(Enum):
    """What happened to a trial."""

    STARTED = "started"
    REPORTED = "reported"
    FINISHED = "finished"
    SUSPENDED = "suspended"
    """The run stopped before the trial was done: it continues when the study is resumed."""
    GATHERED = "gathered"
    """It waits until the others of its generation are as far as it is."""
    EXPLOITED = "exploited"
    """It continues from another trial's state: its last stage says from which."""
    LOST = "lost"
    """The worker died: the trial is handed out again."""
    TESTED = "tested"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a trial, which is given as it is afterwards; `report` is what made it happen."""

    kind: EventKind
    trial: TrialRecord
    report: Report | None = None
    test_metrics: Metrics | None = None


class Listener(ABC):
    """Watches a running study. Called on the thread that runs it: answer quickly."""

    @abstractmethod
    def notify(self, event: Event) -> None:
        """Receive `event`."""

    def waits(self, seconds: float, reason: str) -> None:  # noqa: B027 - most need not know
        """Receive for how long the storage has not been usable; 0 seconds: it is back."""

    def warned(self, text: str) -> None:  # noqa: B027 - most need not know
        """Receive a warning: something went wrong that the run mends by itself."""

    def extended(self, trials: int) -> None:  # noqa: B027 - most need not know
        """Receive how many trials there are to be in all from now on."""

    def recovered(self, reports: int) -> None:  # noqa: B027 - most need not know
        """Receive how many reports that an earlier run had to keep in a file are stored now."""

    def run_ended(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:  # noqa: B027 - as above
        """Receive all trials at the end of a run, and why it stopped before its target (None where it reached it)."""

    @property
    def stops_study(self) -> bool:
        """Whether the run is to stop because of what the listener has been notified of."""
        return False


@final
class Listeners(Listener):
    """Several listeners as one, called in their order."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._listeners = tuple(listeners)

    def notify(self, event: Event) -> None:
        for listener in self._listeners:
            listener.notify(event)

    def waits(self, seconds: float, reason: str) -> None:
        for listener in self._listeners:
            listener.waits(seconds, reason)

    def warned(self, text: str) -> None:
        for listener in self._listeners:
            listener.warned(text)

    def extended(self, trials: int) -> None:
        for listener in self._listeners:
            listener.extended(trials)

    def recovered(self, reports: int) -> None:
        for listener in self._listeners:
            listener.recovered(reports)

    def run_ended(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:
        for listener in self._listeners:
            listener.run_ended(trials, stop_cause)

    @property
    def stops_study(self) -> bool:
        return any(listener.stops_study for listener in self._listeners)
