"""Trackers: what writes a study's trials into an experiment tracker, one run for each."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.trial import Metrics, Report, TrialRecord


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedStudy:
    """What a tracker has to know of a study; `earlier` has the trials that were stored before this run.

    `folder_name` is what its files are called where a tracker keeps files in the storage's folder.
    """

    name: str
    folder_name: str
    metric: str
    direction: Direction
    space: SearchSpace
    earlier: frozenset[int] = frozenset()

    def params(self, trial: TrialRecord) -> dict[str, Any]:
        """Return the configuration that the trial began with, by the paths of its parameters."""
        return dict(self.space.flatten(trial.config_at(1)))

    def identity(self, trial: TrialRecord) -> str:
        """Return an id of the trial that no other has, not even one of a deleted study of that name."""
        if self.folder_name != self.name:  # which has the study's id in it
            return hashlib.sha256(f"{self.folder_name} {trial.number}".encode()).hexdigest()[:16]
        born = "" if trial.started is None else trial.started.isoformat()
        return hashlib.sha256(f"{self.name} {trial.number} {born}".encode()).hexdigest()[:16]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened to a trial since its last entry: it is given as it is now, with what it measured.

    `ends` says that the trial came to its end meanwhile; what is measured after it, only the test, is none.
    """

    trial: TrialRecord
    reports: tuple[Report, ...] = ()
    ends: bool = False
    test_metrics: Metrics | None = None

    @property
    def rows(self) -> list[tuple[int, Metrics]]:
        """The metrics of each reported epoch."""
        return [(report.epoch, report.metrics) for report in self.reports if report.metrics is not None]


class Tracker(ABC):
    """Writes trials into an experiment tracker.

    It is made, used and closed on one thread, which is not the one that runs the study: it may take its time, and what
    it raises ends the logging and nothing else. A trial that continues after an interruption continues in its run.
    """

    package: ClassVar[str]
    """The module it needs, which an extra of the tracker's name installs."""

    has_service: ClassVar[bool] = False
    """Whether it starts a process of its own when it is made: that has to be before the run starts any, whose end it
    would share."""

    @classmethod
    @abstractmethod
    def place(cls, where: str, folder: Path, study: TrackedStudy) -> str:
        """Return where runs are written: what a person said, or the usual place in the storage's `folder`."""

    @classmethod
    @abstractmethod
    def opening(cls, place: str) -> str:
        """Return the command that shows what was written to `place`."""

    @abstractmethod
    def __init__(self, study: TrackedStudy, place: str) -> None: ...

    @abstractmethod
    def write(self, entry: Entry) -> None:
        """Write what happened to a trial into its run, which is begun with the first entry."""

    @abstractmethod
    def close(self) -> None:
        """Finish writing; runs of trials that are not over stay open for a later run of the study."""


def run_name(trial: TrialRecord) -> str:
    """Return what a trial's run is called."""
    return f"trial-{trial.number:05d}"


def tags(study: TrackedStudy, trial: TrialRecord) -> Mapping[str, str]:
    """Return what a run is found by."""
    return {
        "tuner.study": study.name,
        "tuner.trial": str(trial.number),
        "tuner.metric": study.metric,
        "tuner.direction": study.direction.value,
        "tuner.id": study.identity(trial),
    }
