"""The use cases: begin a study, go on with one, and stop it without losing anything."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any, final

from tuner.domain.batching import Batching
from tuner.domain.errors import (
    ConfigurationError,
    LeaseLostError,
    ResumeRefusedError,
    StorageError,
    StudyInterrupted,
)
from tuner.domain.event import Listener
from tuner.domain.run_controller import Director, StopCause
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace, difference
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.domain.study_writer import Change
from tuner.domain.trial import TrialRecord
from tuner.formatting.redaction import is_same_but_hidden, without_secrets
from tuner.search.cohort_policy import Cohorts
from tuner.search.controller import SearchController
from tuner.search.external_trials import adopted
from tuner.search.plan import RunPlan, ToTest
from tuner.search.sequence import Relay
from tuner.storage.fallback_file import Spill
from tuner.storage.location import Location
from tuner.storage.retrying_writer import WaitingJournal
from tuner.storage.store import Store
from tuner.storage.writer import StudyJournal
from tuner.system.signals import Dispositions, cancel_foreign_alarm, leave_closed_terminal

Confirm = Callable[[Sequence[TrialRecord], int], Director | None]
"""Begins the confirmation of what a search found, after so many works."""

Execute = Callable[[Director], None]
"""Runs what the controller hands out, to the end: an executor, ready to go."""

STOPPED = "stopped"
"""The note that says why a study's last run stopped before its target."""

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STDERR = 2
_STOPPING_NOW = "stopping as soon as the epochs that are being trained are over, which saves them"
_SECOND = "; a second Ctrl-C stops at once, and they are trained again when the study goes on"

_EXIT_CODES = {StopCause.INTERRUPT: 130, StopCause.TERMINATE: 143}

# What may differ when a study goes on: how much is spent and on what, never what the numbers mean.
_DATASET = "settings.dataset"
_FREE = ("name", "budget.trials", "budget.seconds", "resources", "limits", "confirm", "executor")


def now() -> datetime:
    """Return the time as Optuna stores it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


@final
class Conductor:
    """Runs one stored study with everything it takes; made anew for every run."""

    def __init__(
        self,
        store: Store,
        plan: RunPlan,
        *,
        space: SearchSpace,
        sampler: Sampler,
        scheduler: Scheduler,
        cohorts: Cohorts,
        listeners: Sequence[Listener],
        seconds: float | None,
        spill: Spill,
        to_test: ToTest | None = None,
    ) -> None:
        self._store = store
        self._to_test = to_test
        self._spill = spill
        self._plan = plan
        self._space = space
        self._sampler = sampler
        self._scheduler = scheduler
        self._cohorts = cohorts
        self._listeners = listeners
        self._seconds = seconds

    def conduct(
        self, name: str, journal: StudyJournal, execute: Execute, confirm: Confirm | None = None
    ) -> StopCause | None:
        """Run study `name` to its target, confirm it, and return why it stopped before, None when it did not.

        Raises `StudyInterrupted` after a signal, with everything stored.
        """
        search = self.controller(name, journal)
        following = [] if confirm is None else [lambda works: confirm(search.trials, works)]
        run = Relay(search, following)
        try:
            cause = lead(name, run, execute, self._seconds, self._store.location.command("resume", name))
        except StudyInterrupted:
            self._note_stop(name, journal, run.stop_cause)
            raise
        self._note_stop(name, journal, cause)
        return cause

    def _note_stop(self, name: str, journal: StudyJournal, cause: StopCause | None) -> None:
        """Write down why the run stopped before its target, in place of why an earlier one did.

        Where the storage cannot take it, the run has ended all the same: it says so itself, and its results are stored.
        """
        with suppress(StorageError):
            if cause is not None or self._store.study(name).notes.get(STOPPED) is not None:
                journal.annotate(STOPPED, None if cause is None else cause.value)

    def has_nothing_left(self, name: str, journal: StudyJournal) -> bool:
        """Whether study `name` was run to its target, and nothing of it waits to be stored."""
        return not self._spill.file.exists() and self.controller(name, journal).is_finished

    def controller(self, name: str, held: StudyJournal, works: int = 0) -> SearchController:
        """Return what leads the stored study `name`, after `works` of an earlier part of the run."""
        journal = WaitingJournal(
            held, self._spill, waits=self._waits, is_stopping=lambda: controller.stop_cause is not None
        )
        if recovered := journal.recover():
            for listener in self._listeners:
                listener.recovered(recovered)
        study, stored = self._store.read(name)
        trials, foreign = self._adopted(held, stored)
        self._cohorts.remember(study.notes.get("cohorts", {}))
        unfinished = any(not trial.state.is_finished for trial in trials)
        controller = SearchController(
            self._plan,
            sampler=self._sampler,
            scheduler=self._scheduler,
            cohorts=self._cohorts,
            journal=journal,
            now=now,
            listeners=self._listeners,
            trials=trials,
            metrics=self._store.reports(name) if unfinished else {},
            tested=[note["number"] for key, note in study.notes.items() if key == "test" or key.startswith("test:")],
            to_test=self._to_test,
            works=works,
            batching=Batching.of(study.notes),
            foreign=foreign,
        )
        return controller

    def _adopted(
        self, journal: StudyJournal, stored: Sequence[TrialRecord]
    ) -> tuple[tuple[TrialRecord, ...], frozenset[int]]:
        """Make trials of another program ready, and return all trials and the numbers of those of another space."""
        found = adopted(self._space, stored, now())
        if found.configured:
            journal.configure(found.configured)
        if found.refused:
            journal.write([Change(trial=trial) for trial in found.refused])
        if found.foreign:
            numbers = ", ".join(map(str, sorted(found.foreign)))
            for listener in self._listeners:
                listener.warned(
                    f"another program added trial {numbers} with values that the search space does not have"
                )
        return found.trials, found.foreign

    def _waits(self, seconds: float, reason: str) -> None:
        for listener in self._listeners:
            listener.waits(seconds, reason)


def lead(name: str, run: Director, execute: Execute, seconds: float | None, again: str) -> StopCause | None:
    """Let study `name` be run, at most for so long, and return why it stopped before its target, None when it did not.

    `again` is the command that goes on with it. Raises `StudyInterrupted` after a signal, with everything stored.
    """
    with _stopping_on_signals(run, again), _time_limit(run, seconds):
        try:
            execute(run)
        except KeyboardInterrupt:  # an objective in this process has raised it, or nobody handles the signal
            run.stop(StopCause.INTERRUPT)
            run.abandon()
            raise
    cause = run.stop_cause
    if cause in _EXIT_CODES:
        raise StudyInterrupted(name, _EXIT_CODES[cause])
    return cause


def refuse_changes(
    location: Location, study: StudyRecord, spec: StudySpec, space: SearchSpace, fingerprint: str | None = None
) -> None:
    """Raise `ResumeRefusedError` with a diff where `spec`, `space` or the data is not what the study was started with.

    Old and new trials would not be comparable. The budget and the resources may change, and data with the same
    `fingerprint` may lie elsewhere.
    """
    before = study.notes.get("data", {}).get("fingerprint")
    if before is not None and fingerprint is None:
        raise ConfigurationError(
            f"the data of study {study.name!r} is not at {spec.settings.get('dataset')} any more",
            hint=f"{location.command('resume', study.name, '--data', 'PATH')} says where it is now",
        )
    is_same_data = before is not None and before == fingerprint
    began = StudySpec.from_description(study.spec).describe()
    lines = [*_spec_difference(began, spec.describe(), free=(*_FREE, _DATASET) if is_same_data else _FREE)]
    if before is not None and fingerprint is not None and not is_same_data:
        lines.append(f"~ data: the contents of {spec.settings.get('dataset')} have changed")
    if study.space is not None:
        lines += difference(study.space, space)
        lines += _rule_difference(study.rules, tuple(rule.reason for rule in space.rules))
    if lines:
        raise ResumeRefusedError(
            f"study {study.name!r} cannot go on, it was started with something else:\n" + "\n".join(lines),
            hint="undo the change, or start a new study: "
            + location.command("run", study.source["study"] or "...", "--name", f"{study.name}-2"),
        )


def removing_unbegun(
    store: Store, name: str, journal: StudyJournal, run: Callable[[], StopCause | None]
) -> StopCause | None:
    """Run a study that was created for this run; remove it again where an error ends it before it measured anything.

    Its name is free then, and fixing the cause is all there is to do. What a signal interrupted stays: it can go on.
    """
    try:
        return run()
    except (LeaseLostError, StorageError):
        raise  # it is another process's now, or cannot be reached
    except Exception as error:
        _, trials = store.read(name)
        is_refused = isinstance(error, ConfigurationError)
        if not any(trial.curve or (trial.state.is_finished and not is_refused) for trial in trials):
            with suppress(StorageError, LeaseLostError):
                journal.annotate(STOPPED, None)  # which another process's study would refuse
                store.delete(name, is_held=True)
        raise


def _rule_difference(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    yield from (f"- rule: {reason}" for reason in old if reason not in new)
    yield from (f"+ rule: {reason}" for reason in new if reason not in old)


def _spec_difference(
    old: dict[str, Any] | Any, new: dict[str, Any], prefix: str = "", *, free: Sequence[str]
) -> Iterator[str]:
    for key in sorted({*old, *new}):
        path = f"{prefix}{key}"
        before, after = old.get(key), new.get(key)
        if path in free or is_same_but_hidden(before, after):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _spec_difference(before, after, f"{path}.", free=free)
        else:
            yield f"~ {path}: {without_secrets(before, path)!r} -> {without_secrets(after, path)!r}"


@contextmanager
def _stopping_on_signals(controller: Director, again: str) -> Iterator[None]:
    """Stop the run at the first Ctrl-C, SIGTERM or closed terminal, and the process at the second Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; a program that runs us elsewhere has its own handlers
        return

    def handle(number: int, _: FrameType | None) -> None:
        cancel_foreign_alarm()
        if number == signal.SIGHUP:
            leave_closed_terminal()
        if number == signal.SIGINT and controller.stop_cause is not None:
            _tell(f"stopped at once; go on with: {again}")
            os._exit(130)
        if controller.stop_cause is None:
            _tell(_STOPPING_NOW + (_SECOND if number == signal.SIGINT else ""))
        controller.stop(StopCause.INTERRUPT if number == signal.SIGINT else StopCause.TERMINATE)

    # What `nohup` has made ignored stays so.
    handled = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    kept = Dispositions(handled)
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        kept.restore()  # a handler that is not Python's, too


def _tell(text: str) -> None:
    """Write a line to stderr, as a signal handler may: whatever else writes there may be in the middle of it."""
    with suppress(OSError):  # nobody reads it any more
        os.write(_STDERR, f"{chr(10) if os.isatty(_STDERR) else ''}{text}{chr(10)}".encode())


@contextmanager
def _time_limit(controller: Director, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, controller.stop, [StopCause.TIME])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
