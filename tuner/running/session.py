"""A session: one stored study is run to its target, or until it is stopped; no result is lost."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import final

from tuner.domain.batching import Batching
from tuner.domain.errors import (
    ClusterLostError,
    ConfigurationError,
    LeaseLostError,
    StorageError,
    StudyInterrupted,
)
from tuner.domain.event import Listener, Listeners
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.study import Budget
from tuner.domain.study_record import STOPPED
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import TrialRecord
from tuner.execution.checkpoint_handover import Inheritance
from tuner.execution.checkpoint_retention import Retention
from tuner.execution.study_checkpoints import StudyCheckpoints, store_of
from tuner.running.components import RunComponents
from tuner.running.held_study import HeldStudy
from tuner.running.kept_ends import notes_of_extension
from tuner.running.live_control import ReadControl, asked_of_run, controlled
from tuner.running.signals import stopping_on_signals, time_limit
from tuner.running.tracked_listeners import MakeListeners
from tuner.search.added_configs import AddedConfigs
from tuner.search.controller import SearchController
from tuner.search.delayed_sampler import DelayedSampler
from tuner.search.delayed_scheduler import DelayedScheduler
from tuner.search.external_trials import adopted
from tuner.search.plan import ToTest
from tuner.search.policies import Policies
from tuner.search.run_history import RunHistory
from tuner.search.sequence import ControllerSequence
from tuner.storage.backup import Backups
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.retrying_writer import RetryingWriter

Confirm = Callable[[Sequence[TrialRecord], int], RunController | None]
"""Begins the confirmation of what a search found, after it has issued so many assignments."""


@final
@dataclass(frozen=True, slots=True)
class Execution:
    """An executor, ready to go: runs what a controller hands out, to the end.

    `grace_seconds` is how long it waits for the epochs that are being trained when the run is stopped; None: until they
    are over.
    """

    run: Callable[[RunController], None]
    grace_seconds: float | None


_EXIT_CODES = {StopCause.INTERRUPT: 130, StopCause.TERMINATE: 143}


def now() -> datetime:
    """Return the time as Optuna stores it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


@final
class StudyRunner:
    """Runs one held study; made anew for every run."""

    def __init__(
        self,
        held: HeldStudy,
        components: RunComponents,
        *,
        listeners: Sequence[Listener] = (),
        to_test: ToTest | None = None,
    ) -> None:
        self._held = held
        self._components = components
        self._listeners = Listeners(listeners)
        self._spill = FallbackFile(held.location.folder, held.record.folder_name)
        self._to_test = to_test

    def run(self, execution: Execution, confirm: Confirm | None = None) -> StopCause | None:
        """Run the study to its target, confirm it, and return why it stopped before, None when it did not.

        Raises `StudyInterrupted` after a signal, with everything stored.
        """
        search = self.controller()
        self.note_stop(None)  # a run that is killed must not seem to have ended as an earlier one did
        following = [] if confirm is None else [lambda assignments_issued: confirm(search.trials, assignments_issued)]
        run = ControllerSequence(search, following)
        try:
            again = self._held.store.location.command("resume", self._held.name)
            asked = asked_of_run(self._held.store, self._held.name)
            cause = run_to_end(self._held.name, run, execution, self._components.spec.budget, again, asked)
        except StudyInterrupted:
            self.end(search, run.stop_cause)
            raise
        self.end(search, cause)
        return cause

    def end(self, search: SearchController, cause: StopCause | None) -> None:
        """Write down why the run has stopped before its target, and notify the listeners of its end."""
        self.note_stop(cause)
        self._listeners.run_ended(search.trials, cause)

    def note_stop(self, cause: StopCause | None) -> None:
        """Write down why the run stopped before its target, in place of why an earlier one did.

        Where the storage cannot take it, the run has ended all the same: it says so itself, and its results are stored.
        """
        with suppress(StorageError):
            if cause is not None or self._held.record.notes.get(STOPPED) is not None:
                self._held.writer.annotate(STOPPED, None if cause is None else cause.value)

    @property
    def has_unstored(self) -> bool:
        """Whether results of an earlier run wait to be stored."""
        return self._spill.file.exists()

    def controller(self, assignments_issued: int = 0) -> SearchController:
        """Return the controller of the study, after so many assignments of earlier parts."""
        held, parts = self._held, self._components
        writer = RetryingWriter(
            held.writer, self._spill, waits=self._listeners.waits, is_stopping=lambda: controller.is_stopping
        )
        if recovered := writer.recover():
            self._listeners.recovered(recovered)
        study, stored = held.read()
        trials, foreign = self._adopted(stored)
        parts.cohorts.remember(study.notes.get("cohorts", {}))
        # Running trials continue from theirs; of finished ones they matter where several metrics are compared.
        compares = parts.goal.has_several and parts.scheduler.compares_several
        is_read = compares or any(not trial.state.is_finished for trial in trials)
        history = RunHistory(
            trials=trials,
            metrics=held.store.reports(held.name) if is_read else {},
            tested=study.tested,
            foreign=foreign,
            batching=Batching.of(study.notes),
            assignments_issued=assignments_issued,
        )
        plan = replace(parts.plan, to_test=self._to_test, notes_of_target=partial(notes_of_extension, study))
        controller = SearchController(
            plan, self._policies(), writer=writer, now=now, listeners=[self._listeners], history=history
        )
        return controller

    def _policies(self) -> Policies:
        parts = self._components
        return Policies(
            sampler=DelayedSampler(parts.sampler, parts.delay) if parts.delay else parts.sampler,
            scheduler=DelayedScheduler(parts.make_scheduler, parts.delay) if parts.delay else parts.scheduler,
            cohorts=parts.cohorts,
            added=AddedConfigs(self._held.store.queue(self._held.name), parts.space),
        )

    def _adopted(self, stored: Sequence[TrialRecord]) -> tuple[tuple[TrialRecord, ...], frozenset[int]]:
        """Make trials of another program ready; return all trials, and the numbers of those of another space."""
        found = adopted(self._components.space, stored, now())
        if found.configured:
            self._held.writer.configure(found.configured)
        if found.refused:
            self._held.writer.write([TrialUpdate(trial=trial) for trial in found.refused])
        if found.foreign:
            numbers = ", ".join(map(str, sorted(found.foreign)))
            self._listeners.warned(
                f"another program added trial {numbers} with values that the search space does not have"
            )
        return found.trials, found.foreign


def run_to_end(  # noqa: PLR0917 - what a run is, and what ends it
    name: str, run: RunController, execution: Execution, budget: Budget, again: str, asked: ReadControl
) -> StopCause | None:
    """Run study `name` for the time in its `budget`; return why it stopped before its target, None when it did not.

    `again` is the command that resumes it, and `asked` says what people ask of it meanwhile. Raises `StudyInterrupted`
    after a signal, with everything stored.
    """
    stopping = stopping_on_signals(run, budget.fidelity.unit, again, execution.grace_seconds)
    with stopping, time_limit(run, budget.seconds), controlled(run, asked):
        try:
            execution.run(run)
        except ClusterLostError as error:
            run.abandon()
            raise ClusterLostError(
                error.message, hint=f"once there is a cluster again, the study continues: {again}"
            ) from error
        except KeyboardInterrupt:  # an objective in this process has raised it, or no handler is installed
            run.stop(StopCause.INTERRUPT)
            run.abandon()
            raise
    cause = run.stop_cause
    if cause in _EXIT_CODES:
        raise StudyInterrupted(name, _EXIT_CODES[cause])
    return cause


def removing_unbegun(held: HeldStudy, run: Callable[[], StopCause | None]) -> StopCause | None:
    """Run a study that was created for this run; remove it again where an error ends it before it measured anything.

    Its name is free then, so the same command works once the cause is fixed. A study that a signal interrupted stays.
    """
    try:
        return run()
    except (LeaseLostError, StorageError):
        raise  # it is another process's now, or cannot be reached
    except Exception as error:
        _, trials = held.read()
        is_refused = isinstance(error, ConfigurationError)
        if not any(trial.curve or (trial.state.is_finished and not is_refused) for trial in trials):
            with suppress(StorageError, LeaseLostError):
                held.writer.annotate(STOPPED, None)  # which another process's study would refuse
                held.store.delete(held.name, is_held=True)
        raise


def runner_with_keepers(
    held: HeldStudy, components: RunComponents, trials: Sequence[TrialRecord], listeners: MakeListeners | None
) -> StudyRunner:
    """Return the runner of a search, with listeners that keep its checkpoints and its backups."""
    checkpoints = StudyCheckpoints(store_of(components.worker_spec.folders))
    keepers = (
        Inheritance(checkpoints, trials, components.worker_spec.unit),
        Retention(checkpoints, components.goal, trials),
        Backups(held.store.location, sum(trial.state.is_finished for trial in trials)),
    )
    watching = listeners(components, trials) if listeners else ()
    return StudyRunner(held, components, listeners=(*keepers, *watching))
