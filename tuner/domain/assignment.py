"""What an executor is given to do."""

from dataclasses import dataclass
from enum import Enum
from typing import final

from tuner.domain.config import Config
from tuner.domain.study_folders import StudyFolders


class AssignmentKind(Enum):
    """What is to be done with the members."""

    TRAIN = "train"
    TEST = "test"
    """Measure the best weights of the one member on data the search never saw."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAssignment:
    """A trial of a cohort: its configuration and seed, and what was recorded of it before.

    `epoch` is the last one that was recorded (0: none), `best_epoch` and `best` the best one and its value. It is
    judged at `decision_epochs` (None: at every one), and reports in between may be brought together.
    """

    number: int
    config: Config
    seed: int
    epoch: int = 0
    best_epoch: int = 0
    best: float | None = None
    decision_epochs: tuple[int, ...] | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exploit:
    """A member that continues from the state of member `source` of its cohort, with the configuration it has now."""

    member: TrialAssignment
    source: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CohortUpdate:
    """Changes of a cohort after a report: the members that leave it, and those that join it before the next epoch.

    `suspended` are those that leave and will continue later: their states are to be kept. `exploits` are carried out
    before the next epoch. The cohort `is_over` when no member is left in it.
    """

    leaving: frozenset[int] = frozenset()
    suspended: frozenset[int] = frozenset()
    joining: tuple[TrialAssignment, ...] = ()
    exploits: tuple[Exploit, ...] = ()
    is_over: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A cohort to train, or a trained trial to test; `id` counts what a run has handed out.

    The members write into `folders`; None: into the worker's own. With `keeps_rows` what each row contributes to the
    metric is kept of every member.
    """

    id: int
    kind: AssignmentKind
    members: tuple[TrialAssignment, ...]
    folders: StudyFolders | None = None
    keeps_rows: bool = False

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the members."""
        return frozenset(member.number for member in self.members)
