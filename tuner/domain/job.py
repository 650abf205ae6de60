"""What every worker of a run has to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from tuner.domain.study import Direction, Limits
from tuner.domain.study_folders import StudyFolders


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The objective and what it is built from, the same for all trials; travels to the workers.

    `folder` is where the objective's module may lie, `folders` are those that the study's trials write into. `wanted`
    are the metrics that every report has to have; none stands for `metric` alone. Where the scheduler `prunes`, trials
    may be stopped whose states nobody will ever need; where it `exploits`, trials go on from the states that others
    have at their decision epochs.
    """

    objective: str | Callable[..., Any]
    folder: Path
    settings: Mapping[str, Any]
    seed: int
    metric: str
    direction: Direction
    max_epochs: int
    device: str
    folders: StudyFolders
    wanted: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    prunes: bool = True
    exploits: bool = False
