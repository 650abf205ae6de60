"""The part of a run that trains: the same code in a Ray worker and in this process."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, final

from tuner.catalogue import Catalogue
from tuner.domain.config import Config
from tuner.domain.job import Job
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, Trial
from tuner.domain.work import Member, Work
from tuner.execution.checkpoints import BestCheckpoint, TrialCheckpoints, trial_folder
from tuner.execution.generator import GeneratorObjective, failure_of
from tuner.execution.measurement import measured
from tuner.reference import resolve

OBJECTIVES = Catalogue("objectives", "objective")

_PATIENCE_SECONDS = 0.25
"""How long short epochs are gathered before they are reported together: what a person takes for at once."""

# What user code may throw without taking the worker with it: sys.exit() ends a trial, Ctrl-C ends the study.
_RECOVERABLE = (Exception, SystemExit)


def build_objective(job: Job) -> Objective:
    """Return the job's objective, ready to train or to be asked questions."""
    found = job.objective
    if isinstance(found, str):
        found = resolve(found, OBJECTIVES, job.folder)
    if isinstance(found, type) and issubclass(found, Objective):
        return found(job.settings, job.seed)
    return GeneratorObjective(found)


@final
class Worker:
    """Trains one cohort after another; the objective, and what it caches, is built once.

    What user code raises never gets out: it becomes the failure of the trials it concerns.
    """

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._clock = clock
        self._cohort: Cohort | None = None
        self._checkpoints: dict[int, TrialCheckpoints] = {}
        self._best: dict[int, float | None] = {}
        self._decision_epochs: dict[int, tuple[int, ...] | None] = {}
        self._broken: Failure | None = None

    @cached_property
    def _objective(self) -> Objective:
        return build_objective(self._job)

    def begin(self, work: Work) -> None:
        """Start to train the members of `work`, in place of what was trained before."""
        self._leave(list(self._checkpoints))
        self._broken = None
        root = self._job.checkpoints
        self._checkpoints = {
            member.number: TrialCheckpoints(trial_folder(root, member.number), member.epoch, member.best_epoch)
            for member in work.members
        }
        self._best = {member.number: member.best for member in work.members}
        self._decision_epochs = {member.number: member.decision_epochs for member in work.members}
        try:
            self._cohort = self._objective.start([self._trial(member) for member in work.members])
        except _RECOVERABLE as error:
            self._broken = failure_of(error)

    def advance(self) -> tuple[Report, ...]:
        """Train on until somebody has to decide, or a quarter of a second has passed; return what every member did.

        What was returned before is recorded by now: the controller answers after it has stored.
        """
        for checkpoints in self._checkpoints.values():
            checkpoints.recorded()
        deadline = self._clock() + _PATIENCE_SECONDS
        reports: list[Report] = []
        while True:
            epoch = [self._report(number, outcome) for number, outcome in self._outcomes().items()]
            reports += epoch
            if any(map(self._needs_decision, epoch)) or self._clock() >= deadline:
                return tuple(reports)

    def drop(self, numbers: Collection[int]) -> None:
        """Take members out that are not to go on."""
        self._leave(numbers)

    def test(self, work: Work) -> Metrics | Failure | None:
        """Return the metrics of a trained trial's best epoch on data the search never saw, None without such data."""
        (member,) = work.members
        checkpoint = BestCheckpoint(trial_folder(self._job.checkpoints, member.number), member.best_epoch)
        trial = Trial(**self._given(member), epoch=member.best_epoch, checkpoints=checkpoint)
        try:
            if not checkpoint.is_there:
                return self._missing(member)
            metrics = self._objective.test(trial)
        except _RECOVERABLE as error:
            return failure_of(error)
        return None if metrics is None else measured(metrics, self._job.metric)

    def _needs_decision(self, report: Report) -> bool:
        if report.metrics is None or report.epoch >= self._job.max_epochs:
            return True
        epochs = self._decision_epochs[report.number]
        return epochs is None or report.epoch in epochs

    def _missing(self, member: Member) -> Failure | None:
        """Return the failure that a lost checkpoint is; None for an objective that never saves."""
        if isinstance(self._objective, GeneratorObjective):
            return None
        return Failure(
            reason=FailureReason.RAISED,
            message=f"the weights of trial {member.number} at epoch {member.best_epoch} are missing or damaged in "
            f"{trial_folder(self._job.checkpoints, member.number)}",
        )

    def _trial(self, member: Member) -> Trial:
        checkpoints = self._checkpoints[member.number]
        return Trial(**self._given(member), epoch=checkpoints.epoch, checkpoints=checkpoints)

    def _given(self, member: Member) -> dict[str, Any]:
        return {
            "config": member.config,
            "number": member.number,
            "seed": member.seed,
            "device": self._job.device,
            "max_epochs": self._job.max_epochs,
            "settings": Config(self._job.settings),
        }

    def _outcomes(self) -> Mapping[int, Metrics | Failure | None]:
        if self._broken is None and self._cohort is not None:
            try:
                return self._cohort.advance()
            except _RECOVERABLE as error:
                self._broken = failure_of(error)
        return dict.fromkeys(self._checkpoints, self._broken)

    def _report(self, number: int, outcome: Any) -> Report:
        checkpoints = self._checkpoints[number]
        if outcome is None:
            return Report(number=number, epoch=checkpoints.epoch)
        if not isinstance(outcome, Failure):
            outcome = measured(outcome, self._job.metric)
        if isinstance(outcome, Failure):
            return Report(number=number, epoch=checkpoints.epoch, failure=outcome)
        value = outcome[self._job.metric]
        is_best = self._job.direction.is_better(value, than=self._best[number])
        if is_best:
            self._best[number] = value
        checkpoints.advance(is_best=is_best)
        return Report(number=number, epoch=checkpoints.epoch, metrics=outcome)

    def _leave(self, numbers: Collection[int]) -> None:
        if self._cohort is not None:
            self._cohort.drop(numbers)
        for number in numbers:
            self._checkpoints.pop(number, None)
