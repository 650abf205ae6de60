"""Running, resuming and confirming studies: what the command line and Python call."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.domain.errors import (
    Mistakes,
    NoUsableTrialError,
    StorageError,
    StudyInterrupted,
)
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.study import StudySpec
from tuner.domain.study_record import STOPPED, StudyRecord, folder_name
from tuner.domain.trial import TrialState
from tuner.formatting.values import amount
from tuner.running.builder import build_components
from tuner.running.cluster import joined_capacity, on_cluster
from tuner.running.code_places import module_folder
from tuner.running.components import RunComponents
from tuner.running.confirmation_run import confirmation_of_search, is_confirmed
from tuner.running.extension import extend
from tuner.running.live_control import asked_of_run
from tuner.running.lookup import find_executor
from tuner.running.outcome import beyond, early_end
from tuner.running.own_parts import attributed
from tuner.running.resume_check import refuse_asked, refuse_fewer_trials
from tuner.running.retry import Retried, leave_failed, put_back_failed, tried_again
from tuner.running.session import Execution, StudyRunner, removing_unbegun, run_to_end, runner_with_keepers
from tuner.running.spec_source import Asked, read_spec
from tuner.running.stored_study import (
    check_store,
    leaving_no_folder,
    place_of_study,
    rebuild_components,
    settle,
    settle_first,
    store_new,
    with_folder_warning,
    with_lost_trials,
)
from tuner.running.tracked_listeners import MakeListeners, with_trackers
from tuner.running.transfer import learned, warm_started
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.location import Location
from tuner.storage.reader import new_id
from tuner.storage.store import Store, exists_already, open_store
from tuner.storage.writer import SqlStudyWriter
from tuner.system.environment import environment
from tuner.tracking.dispatch import Logs


def run(
    study: Asked,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    listeners: MakeListeners | None = None,
    logs: Logs | None = None,
    mistakes: Mistakes | None = None,
) -> tuple[str, StopCause | None]:
    """Create a study and run it to its target; return its name and why it stopped before, None when it did not.

    `mistakes` that were found before are reported with those found here.
    """
    mistakes = mistakes or Mistakes()
    spec, source = read_spec(study, overrides or {}, mistakes)
    with _opened(storage) as store, logs or Logs() as logging:
        if spec.name in store.names and not mistakes.has_any:
            raise exists_already(store.location, spec.name)
        location, identity = store.location, new_id()
        folders = location.folders_of(folder_name(spec.name, identity), spec.storage.checkpoints)
        modules = module_folder(spec, source)
        capacity = joined_capacity(spec, modules)
        components = build_components(spec, modules, folders, mistakes, capacity)
        begins = learned(store, components.spec, components.space)
        components = with_folder_warning(warm_started(components, begins), location)
        check_store(components)
        components = on_cluster(components, modules)
        execute = _executor(components, Path(source.folder))
        with leaving_no_folder(store, location, spec.name, identity), _resumable(store, spec.name), ExitStack() as held:
            store_new(store, spec, source, components, identity)
            writer = held.enter_context(store.holding(spec.name))
            record = settle_first(store, location, spec.name, writer)
            listeners = with_trackers(listeners, logging, location.folder)
            runner = runner_with_keepers(store, record, components, (), listeners)
            begin = confirmation_of_search(record, store, components, listeners, held)
            confirm = begin if components.confirms else None
            cause = removing_unbegun(store, spec.name, writer, lambda: runner.run(spec.name, writer, execute, confirm))
        return spec.name, cause


def resume(
    name: str,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    spec: StudySpec | None = None,
    listeners: MakeListeners | None = None,
    logs: Logs | None = None,
    mistakes: Mistakes | None = None,
    trust: bool = False,
    retried: Retried = (),
) -> StopCause | None:
    """Resume a stored study; `spec` stands in for the one of a study that was made in Python.

    Failed trials that are to be `retried` are put back first. `mistakes` that were found before are reported with those
    found here. Raises `ResumeRefusedError` where the study file or the space no longer is what the study was started
    with, and `UntrustedCodeError` where it would run code from elsewhere without `trust`.
    """
    with _opened(storage) as store, logs or Logs() as logging:
        location = place_of_study(store, name)
        refuse_asked(store.location, store.study(name))
        components, asked = rebuild_components(
            store, location, name, overrides or {}, spec, mistakes=mistakes, trust=trust
        )
        check_store(components)
        components = on_cluster(components, components.worker_spec.folder)
        if "budget.trials" in (overrides or {}):
            refuse_fewer_trials(name, components.spec.budget.trials, store.read(name)[1])
        with _resumable(store, name), store.holding(name) as writer, ExitStack() as held:
            extended = extend(store, store.study(name), components, writer)
            failed = put_back_failed(store, name, components, writer, retried) if retried else ()
            reopened = (*extended, *tried_again(failed))
            components = replace(components, notes=(*components.notes, *reopened))
            for note, content in asked.items():
                writer.annotate(note, content)
            before = store.study(name)
            nothing_left, cause = _nothing_left(store, location, before, components, writer)
            if nothing_left:
                _tell_done("\n".join([*reopened, nothing_left]), cause, components, before, writer, listeners)
                return cause
            writer.annotate("environment", dict(environment()))
            study, trials = settle(store, location, name, writer)
            components = with_lost_trials(components, before, trials)
            listeners = with_trackers(listeners, logging, location.folder)
            confirm = confirmation_of_search(study, store, components, listeners, held) if components.confirms else None
            runner = runner_with_keepers(store, study, components, trials, listeners)
            cause = runner.run(name, writer, _executor(components, Path(before.source["folder"])), confirm)
            leave_failed(store, name, writer, failed)
            return cause


def confirm(
    name: str,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    spec: StudySpec | None = None,
    listeners: MakeListeners | None = None,
    trust: bool = False,
) -> StopCause | None:
    """Train the best configurations of a stored study again, however far its search is.

    Raises `NoUsableTrialError` where no trial is complete, and what `resume` raises.
    """
    with _opened(storage) as store:
        location = place_of_study(store, name)
        refuse_asked(store.location, store.study(name))
        components, _ = rebuild_components(
            store, location, name, {**(overrides or {}), "confirm.run": True}, spec, trust=trust
        )
        check_store(components)
        components = on_cluster(components, components.worker_spec.folder)
        with _resumable(store, name), store.holding(name) as writer, ExitStack() as held:
            study, trials = settle(store, location, name, writer)
            if is_confirmed(store, location, study, components, trials):
                more = store.location.command("confirm", name, "--seeds", 2 * components.spec.confirm.seeds)
                nothing_left = f"nothing left to do: the best of study {name} are confirmed; with more seeds: {more}"
                _tell_done(nothing_left, study.stop_cause, components, study, writer, listeners)
                return None
            execute = _executor(components, Path(study.source["folder"]))
            repeat = confirmation_of_search(study, store, components, listeners, held)(trials, 0)
            if repeat is None:
                raise NoUsableTrialError(
                    f"no trial of study {name!r} is complete", hint=store.location.command("resume", name)
                )
            again = store.location.command("confirm", name)
            asked = asked_of_run(store, name)
            return run_to_end(name, repeat, execute, components.spec.budget, again, asked)


def _nothing_left(
    store: Store, location: Location, study: StudyRecord, components: RunComponents, writer: SqlStudyWriter
) -> tuple[str, StopCause | None]:
    """Return the message where a study is over and its best are confirmed, and why it ended early; "" where it is not.

    A study is over that has all of its trials, or has ended early as it was asked to.
    """
    name = study.name
    spill = FallbackFile(location.folder, study.folder_name)
    if spill.file.exists():
        return "", None
    search = StudyRunner(store, components, listeners=(), spill=spill).controller(name, writer)
    if not search.is_finished:
        return "", None
    _, trials = store.read(name)
    confirms = components.confirms and any(trial.state is TrialState.COMPLETE for trial in trials)
    if confirms and not is_confirmed(store, location, study, components, trials):
        return "", None
    confirmed = " and confirmed the best" if confirms else ""
    if search.stop_cause is not None:
        done = early_end(search.stop_cause, components.spec.budget)
        more = store.location.command("resume", name, "--set", "=".join(beyond(search.stop_cause)))
        return f"nothing left to do: study {name} has ended{confirmed}, {done}; beyond it: {more}", search.stop_cause
    done = f"has finished its {amount(len(trials), 'trial')}"
    more = store.location.command("resume", name, "--trials", 2 * max(len(trials), components.spec.budget.trials))
    return f"nothing left to do: study {name} {done}{confirmed}; for more trials: {more}", None


def _tell_done(  # noqa: PLR0917 - what both ways here have found
    nothing_left: str,
    cause: StopCause | None,
    components: RunComponents,
    study: StudyRecord,
    writer: SqlStudyWriter,
    listeners: MakeListeners | None,
) -> None:
    """Let the listeners show that there is nothing to run."""
    if study.stop_cause is not cause:
        writer.annotate(STOPPED, None if cause is None else cause.value)
    if listeners is not None:
        listeners(replace(components, nothing_left=nothing_left), ())


def _executor(components: RunComponents, started_in: Path) -> Execution:
    executor = find_executor(components.spec, components.worker_spec.folder)()
    worker_spec = replace(components.worker_spec, started_in=started_in)

    def execute(controller: RunController) -> None:
        with attributed(components.own_parts):
            executor.run(controller, worker_spec, components.resources)

    return Execution(execute, executor.grace_seconds)


@contextmanager
def _resumable(store: Store, name: str) -> Iterator[None]:
    """Convert KeyboardInterrupt outside the part of a run that handles signals into StudyInterrupted(name).

    One that comes before the study is stored stays what it is: there is nothing to resume.
    """
    try:
        yield
    except StudyInterrupted:
        raise
    except KeyboardInterrupt as interruption:
        if not _is_stored(store, name):
            raise
        raise StudyInterrupted(name, getattr(interruption, "exit_code", 130)) from None


def _is_stored(store: Store, name: str) -> bool:
    try:
        return name in store
    except StorageError:
        return True  # it may be: to look for it again does no harm


@contextmanager
def _opened(storage: str | None) -> Iterator[Store]:
    store = open_store(storage)
    try:
        yield store
    finally:
        store.close()
