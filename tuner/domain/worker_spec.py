"""What every worker of a run has to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, final

from tuner.domain.command import Command
from tuner.domain.fidelity import EPOCHS, Fidelity, FidelityUnit
from tuner.domain.places import Cluster
from tuner.domain.resources import Limits
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders


class Isolation(Enum):
    """In which process an objective's code runs."""

    NONE = "none"
    """In the worker's own, where what ships is batched."""
    COHORT = "cohort"
    """In one for all trials of a worker, which train together or take turns."""
    TRIAL = "trial"
    """In one for each trial, which ends with it."""


@final
@dataclass(frozen=True, slots=True)
class PickledObjective:
    """An objective that lies in no module, or in one that only its own process is to import: it travels by value."""

    content: bytes = field(repr=False)
    name: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process that runs the study gives the processes of trials, so that they are like it in all of this."""

    folder: Path
    umask: int
    module_path: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """The objective and what it is built from, the same for all trials; travels to the workers.

    `folder` is where the objective's module may lie, or a command runs; `folders` are those that the study's trials
    write into. `max_epochs` counts the study's `unit`. `wanted` are the metrics that every report has to have; none:
    only `metric`. Where the scheduler `prunes`, trials may be stopped whose states are not needed again;
    where it `exploits`, trials continue from the states that others have at their decision epochs. With `isolation` a
    trial's process computes with so many `threads`, in the folder that the study was `started_in` (None: that of its
    own process), and has `surroundings`, which the executor adds: of them, a worker that trains by itself has the
    module path. A trial trains in so many `ranks`, each a process with so many threads. Where the study joins a
    `cluster`, its `folder` travels to the nodes if it `sends_code`.
    """

    objective: str | Callable[..., Any] | PickledObjective | Command
    folder: Path
    settings: Mapping[str, Any]
    seed: int
    metric: str
    direction: Direction
    max_epochs: int
    device: str
    folders: StudyFolders
    unit: FidelityUnit = EPOCHS
    wanted: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    prunes: bool = True
    exploits: bool = False
    isolation: Isolation = Isolation.NONE
    threads: int = 1
    ranks: int = 1
    started_in: Path | None = None
    surroundings: Surroundings | None = None
    cluster: Cluster | None = None
    sends_code: bool = False

    @property
    def fidelity(self) -> Fidelity:
        """How far a trial is trained at most, and in which unit."""
        return Fidelity(self.unit, self.max_epochs)
