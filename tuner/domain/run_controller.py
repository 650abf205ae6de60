"""The port that executors call: it hands out assignments and takes reports."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import Enum

from tuner.domain.assignment import Assignment, CohortUpdate
from tuner.domain.live_control import LiveControl
from tuner.domain.trial import Failure, Metrics, Report


class StopCause(Enum):
    """Why a run stops before its target."""

    TIME = "time"
    INTERRUPT = "interrupt"
    TERMINATE = "terminate"
    FAILURES = "failures"
    """So many trials have failed that more of them would be a waste."""
    REQUEST = "request"
    """It was asked to, by `tuner stop`."""
    TARGET = "target"
    """A trial's value is as good as `budget.target`."""
    PATIENCE = "patience"
    """So many trials as `budget.patience` says have finished without a new best."""
    CALLBACK = "callback"
    """A `Callback` has raised `StopStudy`."""
    NO_GAIN = "no_gain"
    """The trials that are left are expected to gain hardly anything: `budget.until`."""

    @property
    def is_early_end(self) -> bool:
        """Whether the study has ended as it was asked to: its best trial is tested and confirmed as at its target."""
        return self in (StopCause.TARGET, StopCause.PATIENCE, StopCause.NO_GAIN)


class RunController(ABC):
    """Hands out assignments, receives reports, returns stop decisions. Not thread-safe."""

    @property
    @abstractmethod
    def stop_cause(self) -> StopCause | None:
        """Why the run stops before its target, None while it does not."""

    @property
    def is_stopping(self) -> bool:
        """Whether nothing more is handed out, not even to test or confirm what was found."""
        return self.stop_cause is not None and not self.stop_cause.is_early_end

    @property
    @abstractmethod
    def is_finished(self) -> bool:
        """Whether there is nothing left to hand out and nothing left to wait for."""

    @abstractmethod
    def stop(self, cause: StopCause) -> None:
        """Hand out nothing more; what is running is suspended at its next report. Safe to call in a signal handler."""

    @property
    def is_paused(self) -> bool:
        """Whether nothing is handed out until the run is asked to continue; it is not finished then."""
        return False

    def control(self, asked: LiveControl) -> None:  # noqa: B027 - a run that ends by itself may ignore it
        """Do from now on what people ask of the run. Safe to call from any thread."""

    @abstractmethod
    def next_work(self) -> Assignment | None:
        """Return what to do next and store that it was begun; None when there is nothing to hand out now.

        None does not mean the end, `is_finished` does: the last thing to do waits for everything else.
        """

    @abstractmethod
    def report(self, reports: Iterable[Report], *, admits: bool = True) -> CohortUpdate:
        """Record what a cohort's members did, then decide, and return which members leave it and which trials join it.

        No trial joins one that does not admit: its worker is to be replaced once its members are done.

        All reports of an epoch come together, and epochs between two decisions may: all are recorded before any is
        judged. When this returns, everything is stored, in one transaction.
        """

    @abstractmethod
    def lost(self, assignment: Assignment, reason: str, *, counts: bool = True) -> None:
        """Record that the worker died: its members are handed out again, a few times each.

        Where it does not count, because the whole node is gone, that is as often as it happens.
        """

    @abstractmethod
    def overran(self, assignment: Assignment, failure: Failure) -> None:
        """Record that the worker was ended because of a limit: a trial fails, those of a cohort continue one by one."""

    @abstractmethod
    def tested(self, assignment: Assignment, outcome: Metrics | Failure | None) -> None:
        """Store what the test of a trial gave; None where the objective has no test data."""

    @abstractmethod
    def abandon(self) -> None:
        """Suspend everything that is running, at once: its worker will not report again."""
