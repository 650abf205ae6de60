"""A study whose program asks for trials and tells their results, in place of an executor that trains them.

The search itself is the controller's, as in every run: this hands out its assignments one by one and takes reports.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import RLock
from types import TracebackType
from typing import Any, Self, final

from tuner.analysis import queries
from tuner.domain.assignment import TrialAssignment
from tuner.domain.config import Config
from tuner.domain.current_trial import refuse_child
from tuner.domain.errors import ConfigurationError, StopTrial, TunerError
from tuner.domain.fidelity import Fidelity
from tuner.domain.goal import Goal
from tuner.domain.reporting import as_step, combined
from tuner.domain.run_controller import StopCause
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, TrialRecord
from tuner.execution.fidelity_checks import beyond_the_end
from tuner.execution.metric_validation import left_out, measured
from tuner.execution.user_failures import failure_of
from tuner.formatting.redaction import redacted
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.outcome import failed_run, no_usable_trial
from tuner.running.queueing import add_to_study
from tuner.search.controller import SearchController
from tuner.storage.store import Store

_OF_THE_VALUE = (FailureReason.NOT_FINITE,)
"""Failures of a report that are the trial's; the others are mistakes of the program."""


@final
class AskTellStudy:
    """A study that this process holds: `ask` for a trial, train it in any way, `tell` what it gave.

    Several trials may be asked for at a time, from several threads of this process. The study is released by `close`,
    or at the end of a `with` block: trials without a result by then are the first that `ask` returns when the study
    is opened again.
    """

    def __init__(
        self,
        record: StudyRecord,
        store: Store,
        controller: SearchController,
        components: RunComponents,
        held: ExitStack,
    ) -> None:
        self.name = record.name
        self._record = record
        self._store = store
        self._location = store.location
        self._space = components.space
        self._controller = controller
        self._fidelity = components.spec.budget.fidelity
        self._held = held
        self._process = os.getpid()
        self._lock = RLock()
        self._is_closed = False

    def ask(self) -> "AskedTrial | None":
        """Return the next trial, which is stored as running; None where there is nothing to hand out now.

        That is the end where `is_finished`: else trials are being trained, and one of them may be handed out again.
        Raises `TooManyFailuresError` once so many trials have failed that more of them would be a waste.
        """
        with self._using() as controller:
            assignment = controller.next_work()
            if assignment is not None:
                return AskedTrial(self, assignment.members[0], self._fidelity)
            self._raise_for_failures(controller)
            return None

    def tell(
        self, trial: "AskedTrial", value: Any = None, *, failure: str | BaseException | None = None
    ) -> TrialRecord:
        """End a trial, and return it as it is stored.

        `value` is the metric, or a mapping of several: it counts as one more step, the trial's last. Without one the
        trial is complete with what it has reported. `failure` says why it failed, an exception or a text. A result of
        a trial that the study has stopped changes nothing. Raises `ConfigurationError` where the trial is another
        study's or has its result already, where the value is not a number, and where the trial has measured nothing.
        """
        if value is not None and failure is not None:
            raise ConfigurationError("tell a value or a failure, not both")
        if not isinstance(trial, AskedTrial):
            raise ConfigurationError(f"{trial!r} is no trial that ask() has returned")
        if not trial.is_of(self):
            raise ConfigurationError(f"trial {trial.number} was asked of another study, or before this one was opened")
        trial.end(value, failure)
        return self._controller.trial(trial.number)

    def add(self, *configs: Mapping[str, Any]) -> tuple[Config, ...]:
        """Add configurations that `ask` is to hand out next, as `Study.add` does; return those that wait now, whole."""
        with self._using() as controller:
            queued = add_to_study(self._store, self.name, configs, self._space)
            controller.look_for_added()
        for note in queued.notes:
            warnings.warn(note, stacklevel=2)
        return tuple(each.config for each in queued.configs)

    def close(self) -> None:
        """Release the study; trials without a result are put back, and come first when it is opened again."""
        with self._lock:
            if self._is_closed:
                return
            refuse_child(self._process)
            self._is_closed = True
            with self._held:
                self._controller.abandon()

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to ask for, and nothing left to tell."""
        with self._lock:
            return self._controller.is_finished

    @property
    def stop_cause(self) -> StopCause | None:
        """Why the study ends before it has all of its trials; None while it does not."""
        return self._controller.stop_cause

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial as it now is, in the order of their numbers."""
        with self._lock:
            return self._controller.trials

    @property
    def best_trial(self) -> TrialRecord:
        """The best complete trial that meets the constraints; raises `NoUsableTrialError` before the first."""
        with self._lock:
            best = self._controller.best
            if best is None:
                raise no_usable_trial(self._location, self._record, self._controller.trials)
            return best

    @property
    def goal(self) -> Goal:
        """What the study is after."""
        return self._record.goal

    def record(self, report: Report) -> bool:
        """Record what a trial has done; return whether it is over."""
        with self._using() as controller:
            return controller.report([report], admits=False).is_over

    @contextmanager
    def _using(self) -> Iterator[SearchController]:
        refuse_child(self._process)
        with self._lock:
            if self._is_closed:
                raise ConfigurationError(
                    f"study {self.name!r} is closed",
                    hint=f"create_study(..., name={self.name!r}, resume=True) opens it",
                )
            yield self._controller

    def _raise_for_failures(self, controller: SearchController) -> None:
        if controller.stop_cause is StopCause.FAILURES:
            trials = controller.trials
            summary = queries.summarise(self._record, trials)
            error = failed_run(self._location, summary, self._record, trials, StopCause.FAILURES)
            assert error is not None  # for so many failures there is always one
            raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AskTellStudy({self.name!r}, {amount(len(self.trials), 'trial')})"


@final
class AskedTrial:
    """A trial that was asked for: a configuration to train, and where its reports go.

    `epoch` is how far it was trained before, 0 unless it was interrupted or is tried again: it may continue from there,
    or begin anew, and what it reports again up to there is ignored; `max_epochs` is how far it is trained at most. Both
    are in the study's `unit`, and are better called `step` and `max_step` where that is another than epochs. One thread
    at a time reports it. As a context it has its result at the end of the block: an exception of the program is its
    failure, after which the program continues.
    """

    def __init__(self, study: AskTellStudy, member: TrialAssignment, fidelity: Fidelity) -> None:
        self.number = member.number
        self.config: Config = member.config
        self.seed = member.seed
        self.epoch = member.epoch
        self.max_epochs = fidelity.most
        self.step, self.max_step, self.unit = member.epoch, fidelity.most, fidelity.unit
        self._fidelity = fidelity
        self._study = study
        self._step = 0
        self._has_measured = member.epoch > 0
        self._is_over = self._is_told = False

    def report(self, metrics: Any = None, /, *, step: int | None = None, **named: float) -> None:
        """Report what was measured, a mapping or keywords, and let the scheduler decide whether the trial stops.

        `step` is how far the trial is now, in the unit of the budget and above the report before; one more than that
        unless it is given. The first report of a trial whose `epoch` is not 0 has to give it.
        Once the trial is to stop, reports are ignored. A metric that is not finite fails the trial. Raises
        `ConfigurationError` where the study's metric is missing or no number, or the step is missing or out of order.
        """
        given, at = combined(metrics, named), as_step(step)
        if not self._is_over:
            self._record(given, at, is_last=False)

    @property
    def should_stop(self) -> bool:
        """Whether the trial is to end: it is over, and later reports are ignored."""
        return self._is_over

    def is_of(self, study: AskTellStudy) -> bool:
        """Whether it was this study that handed the trial out."""
        return self._study is study

    def end(self, value: Any, failure: str | BaseException | None) -> None:
        """Do as `AskTellStudy.tell` says."""
        if self._is_told:
            raise ConfigurationError(f"trial {self.number} has its result already")
        if not self._is_over:
            self._end(value, failure)
        self._is_told = True

    def _end(self, value: Any, failure: str | BaseException | None) -> None:
        if failure is not None:
            self._fail(_failure(failure))
        elif value is not None:
            self._record(value, None, is_last=True)
        elif self._has_measured:
            self._is_over = self._study.record(Report(number=self.number, epoch=self._step))
        else:
            raise ConfigurationError(
                f"trial {self.number} has measured nothing", hint="tell its value: study.tell(trial, 0.9)"
            )

    def _record(self, given: Any, at: int | None, *, is_last: bool) -> None:
        outcome, step = self._measured(given), at or self._next_step(is_last=is_last)
        if step <= self._step:
            raise ConfigurationError(f"step {step} is not above the last one that was reported, {self._step}")
        if step > self.epoch and not is_last:
            problem = beyond_the_end(step, self._fidelity)
            if problem is not None:
                raise ConfigurationError(problem.message)
        if isinstance(outcome, Failure):
            self._fail(outcome)
            return
        self._is_over = self._study.record(Report(number=self.number, epoch=step, metrics=outcome, is_last=is_last))
        self._step, self._has_measured = step, True

    def _next_step(self, *, is_last: bool) -> int:
        """Return the step of a report that gives none; of a result's value, beyond all that is recorded."""
        if is_last:
            return max(self._step, self.epoch) + 1
        if self.epoch and not self._step:
            raise ConfigurationError(
                f"trial {self.number} was trained to {self._fidelity.unit.at(self.epoch)} before, and its first report "
                "does not say how far it is now",
                hint="report(..., step=...): a step above trial.epoch where the program continues from a checkpoint of "
                "its own, and counted from the beginning where it begins anew",
            )
        return self._step + 1

    def _measured(self, given: Any) -> Metrics | Failure:
        outcome = measured(given, self._study.goal.wanted, by="the program")
        if isinstance(outcome, Failure) and outcome.reason not in _OF_THE_VALUE:
            raise ConfigurationError(f"trial {self.number}: {outcome.message}")
        for name, text in ({} if isinstance(outcome, Failure) else left_out(given, outcome)).items():
            warnings.warn(f"{name!r} is {text}: a metric is kept only where it is a finite number", stacklevel=4)
        return outcome

    def _fail(self, failure: Failure) -> None:
        self._is_over = self._study.record(Report(number=self.number, epoch=self._step, failure=failure))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Give the trial its result where it has none.

        What ends the program, Ctrl-C for example, and what tuner itself raises is not a failure of the trial.
        """
        is_stop = isinstance(error, StopTrial)
        is_failure = isinstance(error, Exception) and not isinstance(error, TunerError)
        if not self._is_told and is_failure:
            self.end(None, error)
        elif not self._is_told and (error is None or is_stop):
            self.end(None, None if self._is_over or self._has_measured else "it ended without a report or a result")
        return is_stop or is_failure

    def __repr__(self) -> str:
        return f"AskedTrial({self.number}, {dict(self.config)})"


def _failure(failure: str | BaseException) -> Failure:
    if isinstance(failure, BaseException):
        return failure_of(failure)
    return Failure(reason=FailureReason.RAISED, message=redacted(failure))
