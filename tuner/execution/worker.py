"""The part of a run that trains: the same code in a Ray worker and in this process.

A state is kept when it may be needed, mostly after the study has answered a report: a trial that is stopped leaves
nothing worth a file. The weights of an epoch that may turn out to be the trial's last and best are kept before.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, final

from tuner.domain.assignment import Assignment, CohortUpdate, Exploit, TrialAssignment
from tuner.domain.config import Config
from tuner.domain.objective import Cohort, Objective
from tuner.domain.row_values import RowKeeper
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, Trial
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoint_mirror import Mirrors
from tuner.execution.checkpoints import TrialCheckpoints, trial_folder
from tuner.execution.fidelity_checks import beyond_the_end, early_end
from tuner.execution.generator import GeneratorObjective
from tuner.execution.host import Host
from tuner.execution.metric_validation import left_out, left_out_note, measured
from tuner.execution.objectives import build_objective
from tuner.execution.study_checkpoints import best_checkpoint
from tuner.execution.user_failures import failure_of
from tuner.formatting.redaction import redacted
from tuner.storage.row_files import RowSplit, write_kept

_PATIENCE_SECONDS = 0.25
"""How long short epochs are gathered before they are reported together: what a person takes for at once."""

_ENDED_EARLY = "ended early"


@final
class Worker:
    """Trains one cohort after another; the objective, and what it caches, is built once.

    What user code raises never gets out: it becomes the failure of the trials it concerns.
    """

    def __init__(
        self, worker_spec: WorkerSpec, clock: Callable[[], float] = time.monotonic, *, host: Host | None = None
    ) -> None:
        self._worker_spec = worker_spec
        self._clock = clock
        self._host = host or Host()
        self._wanted = worker_spec.wanted or (worker_spec.metric,)
        self._folders = worker_spec.folders
        self._cohort: Cohort | None = None
        self._checkpoints: dict[int, TrialCheckpoints] = {}
        self._mirrors = Mirrors()
        self._best: dict[int, float | None] = {}
        self._trials: dict[int, Trial] = {}
        self._decision_epochs: dict[int, tuple[int, ...] | None] = {}
        self._before: dict[int, int] = {}
        self._unsaved: set[int] = set()
        self._notes: dict[int, str] = {}
        self._noted: set[str] = set()
        self._broken: Failure | None = None

    @cached_property
    def _objective(self) -> Objective:
        return build_objective(self._worker_spec, self._host)

    def begin(self, assignment: Assignment) -> None:
        """Start to train the members of `assignment`, in place of what was trained before."""
        self._leave(list(self._checkpoints))
        self._enter(assignment)
        self._cohort, self._broken = None, None
        trials = self._admitted(assignment.members)
        self._try(lambda: self._start(trials))

    def advance(self) -> tuple[Report, ...]:
        """Train on until a decision is needed, or a quarter of a second has passed; return what every member did.

        What was returned before is recorded by now: the study answers after it has stored.
        """
        self._save(self._unsaved)
        for checkpoints in self._checkpoints.values():
            checkpoints.recorded()
        deadline = self._clock() + _PATIENCE_SECONDS
        reports: list[Report] = []
        while True:
            epoch = self._epoch()
            reports += epoch
            is_decided = any(map(self._needs_decision, epoch))
            if is_decided or self._clock() >= deadline:
                self._save({report.number for report in epoch if self._must_not_be_lost(report)})
                return self._mirrors.kept(reports) if is_decided else tuple(reports)
            self._save({report.number for report in epoch if self._checkpoints[report.number].is_best})

    def follow(self, update: CohortUpdate) -> None:
        """Apply the decisions to the cohort: save suspended members, drop those that leave, add those that join."""
        self._save(self._unsaved & update.suspended)
        self._leave(update.leaving)
        for exploit in update.exploits:
            self._exploit(exploit)
        if update.joining and not self._checkpoints:
            self._cohort, self._broken = None, None  # what broke it has left with its last member
        if update.joining:
            trials, cohort = self._admitted(update.joining), self._cohort
            self._try(lambda: self._start(trials) if cohort is None else cohort.add(trials))

    def test(self, assignment: Assignment) -> Metrics | Failure | None:
        """Return the metrics of a trained trial's best epoch on data the search never saw, None without such data."""
        (member,) = assignment.members
        self._enter(assignment)
        try:
            checkpoint = best_checkpoint(self._folders, member.number, member.best_epoch)
            trial = Trial(**self._given(member), epoch=member.best_epoch, checkpoints=checkpoint)
            if not checkpoint.is_there:
                return self._missing(member)
            metrics = self._objective.test(trial)
            write_kept(trial, RowSplit.TEST, member.best_epoch)
        except BaseException as error:
            if not self._host.is_failure(error):
                raise
            return failure_of(error)
        return None if metrics is None else measured(metrics, (self._worker_spec.metric,))

    def close(self) -> None:
        """End what is being trained."""
        self._leave(list(self._checkpoints))

    def kill(self) -> None:
        """End what is being trained, which in this process only means to close it."""
        self.close()

    def _enter(self, assignment: Assignment) -> None:
        self._folders = assignment.folders or self._worker_spec.folders
        self._row_metric = self._worker_spec.metric if assignment.keeps_rows else None

    def _exploit(self, exploit: Exploit) -> None:
        cohort, trial = self._cohort, self._trial(exploit.member)
        assert cohort is not None  # a member of it has just reported
        self._try(lambda: cohort.exploit(trial, exploit.source))

    def _start(self, trials: Sequence[Trial]) -> None:
        if self._broken is None:  # or their checkpoints could not be reached
            self._cohort = self._objective.start(trials)

    def _admitted(self, members: Sequence[TrialAssignment]) -> list[Trial]:
        """Make places for new members, and return their trials."""
        for member in members:
            checkpoints = self._opened(member)
            self._checkpoints[member.number] = checkpoints
            if checkpoints.damaged:
                files, at = ", ".join(checkpoints.damaged), self._worker_spec.unit.at(checkpoints.epoch)
                self._notes[member.number] = f"{files} is damaged; it continues from {at}"
            self._best[member.number] = member.best
            self._decision_epochs[member.number] = member.decision_epochs
        return [self._trial(member) for member in members]

    def _opened(self, member: TrialAssignment) -> TrialCheckpoints:
        found = [TrialCheckpoints(trial_folder(self._folders.checkpoints, member.number), 0, 0)]
        self._try(lambda: found.append(self._mirrors.open(self._folders, member)))
        return found[-1]

    def _save(self, numbers: Collection[int]) -> None:
        """Keep the states of these members as they are after their last epoch."""
        wanted = self._unsaved.intersection(numbers)
        self._unsaved -= wanted
        cohort = self._cohort
        if wanted and cohort is not None and self._broken is None:
            self._try(lambda: cohort.save(sorted(wanted)))

    def _try(self, act: Callable[[], None]) -> None:
        """Do something with the cohort; where user code fails, so do all of its members, when they are asked next."""
        try:
            act()
        except BaseException as error:
            if not self._host.is_failure(error):
                raise
            self._broken = failure_of(error)
            if len(self._checkpoints) > 1 and self._broken.reason is FailureReason.RAISED:
                self._broken = replace(self._broken, reason=FailureReason.COHORT_RAISED)

    def _epoch(self) -> list[Report]:
        """Train every member for an epoch, and return what each did."""
        for checkpoints in self._checkpoints.values():
            checkpoints.begin_epoch()
        began = self._clock()
        outcomes = self._outcomes()
        share = (self._clock() - began) / max(1, len(outcomes))
        ended = self._ended()
        together, apart = self._together()
        self._note_cohort()
        return [
            replace(
                self._report(number, outcome),
                seconds=share,
                together=together,
                apart=apart,
                note=redacted(self._notes.pop(number, "")),
                is_last=number in ended,
            )
            for number, outcome in outcomes.items()
        ]

    def _ended(self) -> frozenset[int]:
        """Return the members that have measured all that they will."""
        ended: set[int] = set()
        cohort = self._cohort
        if cohort is not None and self._broken is None:
            self._try(lambda: ended.update(cohort.ended()))
        return frozenset(ended)

    def _together(self) -> tuple[int, str]:
        """Return how many members were trained as one in this epoch, and why not more than one."""
        found = [(0, "")]
        cohort = self._cohort
        if cohort is not None and self._broken is None:
            self._try(lambda: found.append(cohort.together()))
        return found[-1]

    def _needs_decision(self, report: Report) -> bool:
        if report.metrics is None or report.is_last or report.epoch >= self._worker_spec.max_epochs:
            return True
        epochs, before = self._decision_epochs[report.number], self._before[report.number]
        return epochs is None or any(before < epoch <= report.epoch for epoch in epochs)

    def _must_not_be_lost(self, report: Report) -> bool:
        """Whether the state may be wanted as soon as it is reported: by another trial, or as the weights to keep."""
        if report.metrics is None:
            return False
        if self._worker_spec.exploits and self._needs_decision(report):
            return True
        if not self._checkpoints[report.number].is_best:
            return False
        return report.is_last or report.epoch >= self._worker_spec.max_epochs or not self._worker_spec.prunes

    def _missing(self, member: TrialAssignment) -> Failure | None:
        """Return the failure that a lost checkpoint is; None for an objective that never saves."""
        if isinstance(self._objective, GeneratorObjective):
            return None
        at = self._worker_spec.unit.at(member.best_epoch)
        where = self._folders.store or trial_folder(self._folders.checkpoints, member.number)
        return Failure(
            reason=FailureReason.RAISED,
            message=f"the weights of trial {member.number} at {at} are missing or damaged in {where}",
        )

    def _trial(self, member: TrialAssignment) -> Trial:
        checkpoints = self._checkpoints[member.number]
        trial = Trial(**self._given(member), epoch=checkpoints.epoch, checkpoints=checkpoints)
        self._trials[member.number] = trial
        return trial

    def _given(self, member: TrialAssignment) -> dict[str, Any]:
        return {
            "config": member.config,
            "number": member.number,
            "seed": member.seed,
            "device": self._worker_spec.device,
            "max_epochs": self._worker_spec.max_epochs,
            "unit": self._worker_spec.unit,
            "settings": Config(self._worker_spec.settings),
            "place": self._folders.place_of(member.number),
            "rows": RowKeeper(self._row_metric),
        }

    def _outcomes(self) -> Mapping[int, Metrics | Failure | None]:
        outcomes: dict[int, Metrics | Failure | None] = {}
        cohort = self._cohort
        if self._broken is None and cohort is not None:
            self._try(lambda: outcomes.update(cohort.advance()))
        return dict.fromkeys(self._checkpoints, self._broken) if self._broken is not None else outcomes

    def _report(self, number: int, outcome: Any) -> Report:
        checkpoints = self._checkpoints[number]
        self._before[number] = checkpoints.epoch
        if outcome is None:
            self._note_early_end(number, checkpoints.epoch)
            return Report(number=number, epoch=checkpoints.epoch)
        if not isinstance(outcome, Failure):
            beyond = beyond_the_end(checkpoints.target, self._worker_spec.fidelity)
            yielded, outcome = outcome, beyond or measured(outcome, self._wanted)
            self._note_left_out(number, yielded, outcome)
        if isinstance(outcome, Failure):
            return Report(number=number, epoch=checkpoints.epoch, failure=outcome)
        value = outcome[self._worker_spec.metric]
        is_best = self._worker_spec.direction.is_better(value, than=self._best[number])
        self._best[number] = value if is_best else self._best[number]
        checkpoints.advance(is_best=is_best)
        if checkpoints.is_best:
            self._try(lambda: write_kept(self._trials[number], RowSplit.VALIDATION, checkpoints.epoch))
        self._unsaved.add(number)
        return Report(number=number, epoch=checkpoints.epoch, metrics=outcome)

    def _note_early_end(self, number: int, epoch: int) -> None:
        """Record once that the objective ended by itself, where more was to be trained."""
        if (note := early_end(epoch, self._worker_spec)) and _ENDED_EARLY not in self._noted:
            self._noted.add(_ENDED_EARLY)
            self._note(number, note)

    def _note_left_out(self, number: int, yielded: Any, outcome: Metrics | Failure) -> None:
        """Say once for each metric that it is kept only where it is a number."""
        if isinstance(outcome, Failure):
            return
        fresh = {name: text for name, text in left_out(yielded, outcome).items() if name not in self._noted}
        self._noted.update(fresh)
        if fresh:
            self._note(number, left_out_note(fresh))

    def _note_cohort(self) -> None:
        """Record what the cohort says of how its members train, each text once."""
        found: dict[int, str] = {}
        cohort = self._cohort
        if cohort is not None and self._broken is None:
            self._try(lambda: found.update(cohort.notes()))
        for number, text in found.items():
            if text not in self._noted and number in self._checkpoints:
                self._noted.add(text)
                self._note(number, text)

    def _note(self, number: int, text: str) -> None:
        """Add a text to what the trial's next report says beside its metrics."""
        self._notes[number] = "; ".join(filter(None, (self._notes.get(number), text)))

    def _leave(self, numbers: Collection[int]) -> None:
        gone = [number for number in numbers if number in self._checkpoints]
        for number in gone:
            self._checkpoints[number].is_over = True
        cohort = self._cohort
        if cohort is not None and gone and self._broken is None:
            self._try(lambda: cohort.drop(gone))
        for number in gone:
            del self._checkpoints[number], self._trials[number]
            self._unsaved.discard(number)
            self._mirrors.leave(number)
