"""Running, resuming and confirming studies, with everything it takes: what the command line and Python call."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from tuner import service
from tuner.asking import Asked, module_folder, read_spec, space_to_resume, spec_to_resume
from tuner.assembly import Assembly, assemble, data_fingerprint
from tuner.confirmation import companion
from tuner.confirming import confirming, winners
from tuner.controller import ToTest
from tuner.domain.director import Director, StopCause
from tuner.domain.errors import NoUsableTrialError, StudyInterrupted
from tuner.domain.event import Listener
from tuner.domain.logger import LoggedStudy
from tuner.domain.study import StudySpec
from tuner.domain.trial import TrialRecord, TrialState
from tuner.environment import environment
from tuner.execution.inheritance import Inheritance
from tuner.execution.retention import CandidateRetention, Retention
from tuner.learned import Learned, learned
from tuner.logs import Logs
from tuner.storage.backup import Backups
from tuner.storage.spill import Spill
from tuner.storage.store import Store, exists_already, open_store
from tuner.warm_start import CarriedOver, WarmStart

EXECUTORS = {"ray": "tuner.execution.ray_tune", "inline": "tuner.execution.inline"}

_LOG = logging.getLogger("tuner")

MakeListeners = Callable[[Assembly, Sequence[TrialRecord]], Sequence[Listener]]
"""Makes what watches a run, from its parts and the trials it starts with."""


def run(
    study: Asked,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    listeners: MakeListeners | None = None,
    logs: Logs | None = None,
) -> tuple[str, StopCause | None]:
    """Create a study and run it to its target; return its name and why it stopped before, None when it did not."""
    spec, source = read_spec(study, overrides or {})
    with _opened(storage) as store, logs or Logs() as logging:
        listeners = _logged(listeners, logging, store.location.folder)
        if spec.name in store.names:
            raise exists_already(spec.name)
        assembly = assemble(spec, module_folder(spec.objective, source), store.location.checkpoints_of(spec.name))
        begins = learned(store, assembly.spec, assembly.space)
        assembly = _warmed(assembly, begins)
        execute = _executor(assembly)
        store.create(
            spec.name,
            goal=assembly.goal,
            space=assembly.space,
            spec=replace(spec, direction=assembly.goal.direction).describe(),
            source=asdict(source),
            notes=_first_notes(assembly),
        )
        with _resumable(spec.name), store.holding(spec.name) as journal, ExitStack() as held:
            confirm = _confirm(spec.name, store, assembly, listeners, held) if assembly.confirms else None

            def conduct() -> StopCause | None:
                return _conductor(store, assembly, (), listeners).conduct(spec.name, journal, execute, confirm)

            cause = service.removing_unbegun(store, spec.name, conduct)
        return spec.name, cause


def resume(
    name: str,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    spec: StudySpec | None = None,
    listeners: MakeListeners | None = None,
    logs: Logs | None = None,
) -> StopCause | None:
    """Go on with a stored study; `spec` stands in for the one of a study that was made in Python.

    Raises `ResumeRefusedError` where the study file or the space no longer is what the study was started with.
    """
    with _opened(storage) as store, logs or Logs() as logging:
        listeners = _logged(listeners, logging, store.location.folder)
        assembly, description = _reassembled(store, name, overrides or {}, spec)
        execute = _executor(assembly)
        with _resumable(name), store.holding(name) as journal, ExitStack() as held:
            journal.annotate("spec", description)
            journal.annotate("environment", dict(environment()))
            _, trials = store.read(name)
            confirm = _confirm(name, store, assembly, listeners, held) if assembly.confirms else None
            return _conductor(store, assembly, trials, listeners).conduct(name, journal, execute, confirm)


def confirm(
    name: str,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    spec: StudySpec | None = None,
    listeners: MakeListeners | None = None,
) -> StopCause | None:
    """Train the best configurations of a stored study again, however far its search is.

    Raises `NoUsableTrialError` where no trial is complete, and what `resume` raises.
    """
    with _opened(storage) as store:
        assembly, _ = _reassembled(store, name, {**(overrides or {}), "confirm.run": True}, spec)
        execute = _executor(assembly)
        with _resumable(name), store.holding(name), ExitStack() as held:
            _, trials = store.read(name)
            repeat = _confirm(name, store, assembly, listeners, held)(trials, 0)
            if repeat is None:
                raise NoUsableTrialError(f"no trial of study {name!r} is complete", hint=f"tuner resume {name}")
            return service.lead(name, repeat, execute, assembly.spec.budget.seconds)


def _reassembled(
    store: Store, name: str, overrides: Mapping[str, Any], spec: StudySpec | None
) -> tuple[Assembly, dict[str, Any]]:
    """Return the parts of a stored study, and what its spec is to be stored as from now on.

    Raises `ResumeRefusedError` where they no longer are what they were.
    """
    study = store.study(name)
    spec, folder = spec_to_resume(study, overrides, spec)
    space = space_to_resume(study, spec, folder)
    service.refuse_changes(study, spec, space, data_fingerprint(spec, folder))
    directions = study.directions if spec.metrics else ()
    spec_of_parts = replace(spec, search_space=space, directions=directions)
    assembly = assemble(spec_of_parts, folder, store.location.checkpoints_of(name))
    carried = tuple(CarriedOver.parsed(each) for each in study.notes.get("warm_start", ()))
    return _warmed(assembly, Learned(carried=carried)), {**spec.describe(), "name": name}


def _conductor(
    store: Store, assembly: Assembly, trials: Sequence[TrialRecord], listeners: MakeListeners | None
) -> service.Conductor:
    checkpoints = assembly.job.checkpoints
    keepers = (
        Inheritance(checkpoints, trials),
        Retention(checkpoints, assembly.goal, trials),
        Backups(store.location, sum(trial.state.is_finished for trial in trials)),
    )
    watching = listeners(assembly, trials) if listeners else ()
    return _conducting(store, assembly, (*keepers, *watching), Spill(store.location.folder, checkpoints.name))


def _logged(listeners: MakeListeners | None, logs: Logs, folder: Path) -> MakeListeners:
    """Return what makes `listeners`, and beside them those that log a study whose storage is in `folder`."""

    def make(assembly: Assembly, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
        showing = tuple(listeners(assembly, trials)) if listeners else ()
        if listeners is None:
            for note in assembly.notes:
                _LOG.warning("study %s: %s", assembly.spec.name, note)

        def warn(text: str) -> None:
            for listener in showing:
                listener.warned(text)
            if not showing:
                warnings.warn(text, stacklevel=2)

        study = LoggedStudy(
            name=assembly.spec.name,
            metric=assembly.goal.metric,
            direction=assembly.goal.direction,
            space=assembly.space,
            earlier=frozenset(trial.number for trial in trials),
        )
        return (*showing, *logs.listeners(study, folder, warn))

    return make


def _confirm(
    name: str, store: Store, assembly: Assembly, listeners: MakeListeners | None, held: ExitStack
) -> service.Confirm:
    """Return what begins the confirmation of study `name`, which is held as long as `held` is."""

    def begin(trials: Sequence[TrialRecord], works: int) -> Director | None:
        if not any(trial.state is TrialState.COMPLETE for trial in trials):
            return None
        repeated = companion(name)
        states = store.location.checkpoints_of(repeated)
        before = store.read(repeated)[1] if repeated in store else ()
        part = confirming(assembly, trials, before, states)
        if repeated not in store:
            store.create(
                repeated,
                goal=part.goal,
                space=part.space,
                spec=part.spec.describe(),
                source={"study": name, "overrides": {}, "folder": str(assembly.job.folder)},
            )
        journal = held.enter_context(store.holding(repeated))
        journal.annotate("spec", part.spec.describe())
        watching = listeners(part, before) if listeners else ()
        keepers = (CandidateRetention(states, trials, before, assembly.goal, assembly.spec.confirm.seeds),)
        spill = Spill(store.location.folder, repeated)
        conductor = _conducting(store, part, (*keepers, *watching), spill, winners(trials, assembly.goal))
        return conductor.controller(repeated, journal, works)

    return begin


def _conducting(
    store: Store, assembly: Assembly, listeners: Sequence[Listener], spill: Spill, to_test: ToTest | None = None
) -> service.Conductor:
    return service.Conductor(
        store,
        assembly.plan,
        sampler=assembly.sampler,
        scheduler=assembly.scheduler,
        cohorts=assembly.cohorts,
        listeners=listeners,
        seconds=assembly.spec.budget.seconds,
        spill=spill,
        to_test=to_test,
    )


def _first_notes(assembly: Assembly) -> dict[str, Any]:
    """Return what is written down about a study when it is created."""
    notes: dict[str, Any] = {"environment": dict(environment())}
    if assembly.carried:
        notes["warm_start"] = [each.describe() for each in assembly.carried]
    if assembly.data is not None:
        notes["data"] = assembly.data.describe()
    return notes


def _warmed(assembly: Assembly, begins: Learned) -> Assembly:
    """Return the study's parts with what was carried over from earlier studies to be tried first."""
    if not begins.carried:
        return replace(assembly, notes=(*assembly.notes, *begins.notes))
    sampler = WarmStart(assembly.sampler, assembly.space, [each.config for each in begins.carried])
    return replace(assembly, sampler=sampler, carried=begins.carried, notes=(*assembly.notes, *begins.notes))


def _executor(assembly: Assembly) -> service.Execute:
    executor = import_module(EXECUTORS[assembly.spec.executor]).EXECUTOR

    def execute(director: Director) -> None:
        executor.run(director, assembly.job, assembly.spec.resources)

    return execute


@contextmanager
def _resumable(name: str) -> Iterator[None]:
    """Say of a signal that comes before or after the part of a run that handles it which study it interrupted."""
    try:
        yield
    except StudyInterrupted:
        raise
    except KeyboardInterrupt as interruption:
        raise StudyInterrupted(name, getattr(interruption, "exit_code", 130)) from None


@contextmanager
def _opened(storage: str | None) -> Iterator[Store]:
    store = open_store(storage)
    try:
        yield store
    finally:
        store.close()
