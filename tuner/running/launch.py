"""Running, resuming and confirming studies: what the command line and Python call."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import Mistakes, NoUsableTrialError
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.study_record import STOPPED, folder_name
from tuner.domain.trial import TrialState
from tuner.formatting.values import amount
from tuner.running.builder import build_components
from tuner.running.cluster import joined_capacity, on_cluster
from tuner.running.code_places import module_folder
from tuner.running.components import RunComponents
from tuner.running.confirmation_run import confirmation_of_search, is_confirmed
from tuner.running.extension import extend
from tuner.running.held_study import HeldStudy, holding
from tuner.running.live_control import asked_of_run
from tuner.running.lookup import find_executor
from tuner.running.outcome import beyond, early_end
from tuner.running.own_parts import attributed
from tuner.running.resume_check import refuse_asked, refuse_fewer_trials
from tuner.running.resume_request import ResumeRequest
from tuner.running.retry import Retried, leave_failed, put_back_failed, tried_again
from tuner.running.session import Execution, StudyRunner, removing_unbegun, run_to_end, runner_with_keepers
from tuner.running.signals import resumable
from tuner.running.spec_source import RequestedStudy, read_spec
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
from tuner.storage.location import Location
from tuner.storage.reader import new_id
from tuner.storage.store import Store, exists_already, open_store
from tuner.system.environment import environment
from tuner.tracking.dispatch import Logs


def run(
    study: RequestedStudy,
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
        with leaving_no_folder(store, location, spec.name, identity), resumable(store, spec.name), ExitStack() as exits:
            store_new(store, spec, source, components, identity)
            held = exits.enter_context(holding(store, location, spec.name))
            record = settle_first(held)
            listeners = with_trackers(listeners, logging, location.folder)
            runner = runner_with_keepers(held, components, (), listeners)
            begin = confirmation_of_search(record, store, components, listeners, exits)
            confirm = begin if components.confirms else None
            cause = removing_unbegun(held, lambda: runner.run(execute, confirm))
        return spec.name, cause


def resume(
    name: str,
    request: ResumeRequest,
    *,
    storage: str | None = None,
    listeners: MakeListeners | None = None,
    logs: Logs | None = None,
    retried: Retried = (),
) -> StopCause | None:
    """Resume a stored study. Failed trials that are to be `retried` are put back first.

    Raises `ResumeRefusedError` where the study file or the space no longer is what the study was started with, and
    `UntrustedCodeError` where it would run code from elsewhere that the request does not trust.
    """
    with _opened(storage) as store, logs or Logs() as logging:
        location, components, asked = _reopened(store, name, request)
        if "budget.trials" in request.overrides:
            refuse_fewer_trials(name, components.spec.budget.trials, store.read(name)[1])
        with resumable(store, name), holding(store, location, name) as held:
            extended = extend(held, components)
            failed = put_back_failed(held, components, retried) if retried else ()
            reopened = (*extended, *tried_again(failed))
            components = replace(components, notes=(*components.notes, *reopened))
            for note, content in asked.items():
                held.writer.annotate(note, content)
            if ended := _ended(held, components):
                _tell_ended(held, replace(ended, message="\n".join([*reopened, ended.message])), components, listeners)
                return ended.cause
            cause = _continued(held, components, with_trackers(listeners, logging, location.folder))
            leave_failed(held, failed)
            return cause


def _continued(held: HeldStudy, components: RunComponents, listeners: MakeListeners) -> StopCause | None:
    """Run a study that is not over to its target; return why it stopped before, None when it did not."""
    before = held.record
    held.writer.annotate("environment", dict(environment()))
    study, trials = settle(held)
    components = with_lost_trials(components, before, trials)
    with ExitStack() as exits:
        begin = confirmation_of_search(study, held.store, components, listeners, exits)
        runner = runner_with_keepers(held, components, trials, listeners)
        execute = _executor(components, Path(before.source["folder"]))
        return runner.run(execute, begin if components.confirms else None)


def confirm(
    name: str,
    request: ResumeRequest,
    *,
    storage: str | None = None,
    listeners: MakeListeners | None = None,
) -> StopCause | None:
    """Train the best configurations of a stored study again, however far its search is.

    Raises `NoUsableTrialError` where no trial is complete, and what `resume` raises.
    """
    with _opened(storage) as store:
        request = replace(request, overrides={**request.overrides, "confirm.run": True})
        location, components, _ = _reopened(store, name, request)
        with resumable(store, name), holding(store, location, name) as held, ExitStack() as exits:
            study, trials = settle(held)
            if is_confirmed(held, components, trials):
                more = store.location.command("confirm", name, "--seeds", 2 * components.spec.confirm.seeds)
                message = f"nothing left to do: the best of study {name} are confirmed; with more seeds: {more}"
                _tell_ended(held, _Ended(message, study.stop_cause), components, listeners)
                return None
            execute = _executor(components, Path(study.source["folder"]))
            repeat = confirmation_of_search(study, store, components, listeners, exits)(trials, 0)
            if repeat is None:
                raise NoUsableTrialError(
                    f"no trial of study {name!r} is complete", hint=store.location.command("resume", name)
                )
            again = store.location.command("confirm", name)
            asked = asked_of_run(store, name)
            return run_to_end(name, repeat, execute, components.spec.budget, again, asked)


def _reopened(store: Store, name: str, request: ResumeRequest) -> tuple[Location, RunComponents, dict[str, Any]]:
    """Return where a stored study's files are, and what `rebuild_components` does; refuses what cannot be resumed."""
    location = place_of_study(store, name)
    refuse_asked(store.location, store.study(name))
    components, asked = rebuild_components(store, location, name, request)
    check_store(components)
    return location, on_cluster(components, components.worker_spec.folder), asked


@final
@dataclass(frozen=True, slots=True)
class _Ended:
    """That a study is over: why it ended before its target, None where it did not, and the message that says so."""

    message: str
    cause: StopCause | None


def _ended(held: HeldStudy, components: RunComponents) -> _Ended | None:
    """Return that a study is over and its best are confirmed; None where it is not.

    A study is over that has all of its trials, or has ended early as it was asked to.
    """
    name, runner = held.name, StudyRunner(held, components)
    if runner.has_unstored:
        return None
    search = runner.controller()
    if not search.is_finished:
        return None
    _, trials = held.read()
    confirms = components.confirms and any(trial.state is TrialState.COMPLETE for trial in trials)
    if confirms and not is_confirmed(held, components, trials):
        return None
    confirmed, location = " and confirmed the best" if confirms else "", held.store.location
    if search.stop_cause is not None:
        done = early_end(search.stop_cause, components.spec.budget)
        more = location.command("resume", name, "--set", "=".join(beyond(search.stop_cause)))
        message = f"nothing left to do: study {name} has ended{confirmed}, {done}; beyond it: {more}"
        return _Ended(message, search.stop_cause)
    done = f"has finished its {amount(len(trials), 'trial')}"
    more = location.command("resume", name, "--trials", 2 * max(len(trials), components.spec.budget.trials))
    return _Ended(f"nothing left to do: study {name} {done}{confirmed}; for more trials: {more}", None)


def _tell_ended(held: HeldStudy, ended: _Ended, components: RunComponents, listeners: MakeListeners | None) -> None:
    """Let the listeners show that there is nothing to run."""
    if held.record.stop_cause is not ended.cause:
        held.writer.annotate(STOPPED, None if ended.cause is None else ended.cause.value)
    if listeners is not None:
        listeners(replace(components, nothing_left=ended.message), ())


def _executor(components: RunComponents, started_in: Path) -> Execution:
    executor = find_executor(components.spec, components.worker_spec.folder)()
    worker_spec = replace(components.worker_spec, started_in=started_in)

    def execute(controller: RunController) -> None:
        with attributed(components.own_parts):
            executor.run(controller, worker_spec, components.resources)

    return Execution(execute, executor.grace_seconds)


@contextmanager
def _opened(storage: str | None) -> Iterator[Store]:
    store = open_store(storage)
    try:
        yield store
    finally:
        store.close()
