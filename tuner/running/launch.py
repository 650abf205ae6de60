"""Running, resuming and confirming studies, with everything it takes: what the command line and Python call."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from tuner.domain.errors import (
    ConfigurationError,
    Mistakes,
    NoUsableTrialError,
    ResumeRefusedError,
    StorageError,
    StudyInterrupted,
)
from tuner.domain.event import Listener
from tuner.domain.run_controller import Director, StopCause
from tuner.domain.study import StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import StudyRecord, companion, confirmed_study, folder_name, is_companion
from tuner.domain.tracker import LoggedStudy
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoint_handover import Inheritance
from tuner.execution.checkpoint_retention import CandidateRetention, Retention
from tuner.execution.checkpoints import discard_beyond, has_states
from tuner.formatting.values import amount
from tuner.running import session
from tuner.running.builder import Assembly, assemble, data_fingerprint
from tuner.running.confirmation import confirming, winners
from tuner.running.spec_source import Asked, module_folder, read_spec, space_to_resume, spec_to_resume
from tuner.running.transfer import Learned, learned
from tuner.search.plan import ToTest
from tuner.search.warm_start import CarriedOver, WarmStart
from tuner.storage.backup import Backups
from tuner.storage.fallback_file import Spill
from tuner.storage.folder_ownership import (
    PLACE,
    claim,
    copied,
    original_of,
    place_note,
    place_of,
    release,
    run_elsewhere,
)
from tuner.storage.location import Location
from tuner.storage.reader import new_id
from tuner.storage.store import Store, exists_already, open_store
from tuner.storage.writer import StudyJournal
from tuner.system.environment import environment
from tuner.system.files import open_to_others
from tuner.tracking.dispatch import Logs

EXECUTORS = {"ray": "tuner.execution.ray.executor", "inline": "tuner.execution.inline"}

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
    mistakes: Mistakes | None = None,
) -> tuple[str, StopCause | None]:
    """Create a study and run it to its target; return its name and why it stopped before, None when it did not.

    `mistakes` that were found before are told with those found here.
    """
    mistakes = mistakes or Mistakes()
    spec, source = read_spec(study, overrides or {}, mistakes)
    with _opened(storage) as store, logs or Logs() as logging:
        if spec.name in store.names and not mistakes.has_any:
            raise exists_already(store.location, spec.name)
        location, identity = store.location, new_id()
        folders = location.folders_of(folder_name(spec.name, identity))
        assembly = assemble(spec, module_folder(spec, source), folders, mistakes)
        begins = learned(store, assembly.spec, assembly.space)
        assembly = _with_doubts(_warmed(assembly, begins), location)
        execute = _executor(assembly, Path(source.folder))
        with _leaving_no_folder(store, location, spec.name, identity), _resumable(spec.name), ExitStack() as held:
            store.create(
                spec.name,
                goal=assembly.goal,
                space=assembly.space,
                spec=replace(spec, direction=assembly.goal.direction).describe(),
                source=asdict(source),
                notes=_first_notes(assembly),
                identity=identity,
            )
            journal = held.enter_context(store.holding(spec.name))
            record = _settled_first(store, location, spec.name, journal)
            listeners = _logged(listeners, logging, location.folder)
            conductor = _conductor(store, record, assembly, (), listeners)
            confirm = _confirm(record, store, assembly, listeners, held) if assembly.confirms else None
            cause = session.removing_unbegun(
                store, spec.name, journal, lambda: conductor.conduct(spec.name, journal, execute, confirm)
            )
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
) -> StopCause | None:
    """Go on with a stored study; `spec` stands in for the one of a study that was made in Python.

    `mistakes` that were found before are told with those found here. Raises `ResumeRefusedError` where the study file
    or the space no longer is what the study was started with, and `UntrustedCodeError` where it would run code from
    elsewhere that nobody said to `trust`.
    """
    with _opened(storage) as store, logs or Logs() as logging:
        location = _place(store, name)
        assembly, description = _reassembled(
            store, location, name, overrides or {}, spec, mistakes=mistakes, trust=trust
        )
        if "budget.trials" in (overrides or {}):
            _refuse_fewer(name, assembly.spec.budget.trials, store.read(name)[1])
        with _resumable(name), store.holding(name) as journal, ExitStack() as held:
            journal.annotate("spec", description)
            before = store.study(name)
            if nothing_left := _nothing_left(store, location, before, assembly, journal):
                _tell_done(nothing_left, assembly, before, journal, listeners)
                return None
            execute = _executor(assembly, Path(before.source["folder"]))
            journal.annotate("environment", dict(environment()))
            study = _settle(store, location, name, journal)
            _, trials = store.read(name)
            assembly = _with_lost(assembly, before, trials)
            listeners = _logged(listeners, logging, location.folder)
            confirm = _confirm(study, store, assembly, listeners, held) if assembly.confirms else None
            conductor = _conductor(store, study, assembly, trials, listeners)
            return conductor.conduct(name, journal, execute, confirm)


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
        location = _place(store, name)
        assembly, _ = _reassembled(store, location, name, {**(overrides or {}), "confirm.run": True}, spec, trust=trust)
        with _resumable(name), store.holding(name) as journal, ExitStack() as held:
            study = _settle(store, location, name, journal)
            _, trials = store.read(name)
            if _is_confirmed(store, location, study, assembly, trials):
                more = store.location.command("confirm", name, "--seeds", 2 * assembly.spec.confirm.seeds)
                nothing_left = f"nothing left to do: the best of study {name} are confirmed; with more seeds: {more}"
                _tell_done(nothing_left, assembly, study, journal, listeners)
                return None
            execute = _executor(assembly, Path(study.source["folder"]))
            repeat = _confirm(study, store, assembly, listeners, held)(trials, 0)
            if repeat is None:
                raise NoUsableTrialError(
                    f"no trial of study {name!r} is complete", hint=store.location.command("resume", name)
                )
            again = store.location.command("confirm", name)
            return session.lead(name, repeat, execute, assembly.spec.budget.seconds, again)


def _nothing_left(
    store: Store, location: Location, study: StudyRecord, assembly: Assembly, journal: StudyJournal
) -> str:
    """Return what is told where a study has reached its target and its best are confirmed; "" where it has not."""
    name = study.name
    spill = Spill(location.folder, study.folder_name)
    if not _conducting(store, assembly, (), spill).has_nothing_left(name, journal):
        return ""
    _, trials = store.read(name)
    confirms = assembly.confirms and any(trial.state is TrialState.COMPLETE for trial in trials)
    if confirms and not _is_confirmed(store, location, study, assembly, trials):
        return ""
    done = f"has finished its {amount(len(trials), 'trial')}"
    confirmed = " and confirmed the best" if confirms else ""
    more = store.location.command("resume", name, "--trials", 2 * max(len(trials), assembly.spec.budget.trials))
    return f"nothing left to do: study {name} {done}{confirmed}; for more trials: {more}"


def _is_confirmed(
    store: Store, location: Location, study: StudyRecord, assembly: Assembly, trials: Sequence[TrialRecord]
) -> bool:
    """Whether the best configurations of a search were trained again, as often as the study asks for."""
    repeated = companion(study.name)
    if repeated not in store:
        return False
    record, before = store.read(repeated)
    part = confirming(assembly, trials, before, location.folders_of(record.folder_name))
    conductor = _conducting(store, part, (), Spill(location.folder, record.folder_name), winners(trials, assembly.goal))
    with store.holding(repeated) as journal:
        return conductor.has_nothing_left(repeated, journal)


def _tell_done(
    nothing_left: str,
    assembly: Assembly,
    study: StudyRecord,
    journal: StudyJournal,
    listeners: MakeListeners | None,
) -> None:
    """Tell whoever watches that there is nothing to run."""
    if study.notes.get(session.STOPPED) is not None:
        journal.annotate(session.STOPPED, None)
    if listeners is not None:
        listeners(replace(assembly, nothing_left=nothing_left), ())


def _refuse_fewer(name: str, target: int, trials: Sequence[TrialRecord]) -> None:
    """Raise `ConfigurationError` where a study is to end with fewer trials than it has finished."""
    finished = sum(trial.state.is_finished for trial in trials)
    if target < finished:
        raise ConfigurationError(
            f"budget.trials: {target} is below the {amount(finished, 'trial')} that study {name!r} has finished",
            hint="it is the number in all, not how many more",
        )


def _place(store: Store, name: str) -> Location:
    """Return the location with the folder of the stored study's files; raises `ResumeRefusedError` for a copy's."""
    if is_companion(name):
        search = confirmed_study(name)
        raise ConfigurationError(
            f"{name!r} are the repetitions of study {search!r}, which go on with it",
            hint=store.location.command("confirm", search),
        )
    study = store.study(name)
    location = place_of(store.location, study)
    if original := original_of(location, study):
        raise ResumeRefusedError(
            f"the files of study {name!r} belong to the same study in {original}, of which {store.location} is a copy",
            hint=copied(study, original, location),
        )
    return location


def _settle(store: Store, location: Location, name: str, journal: StudyJournal) -> StudyRecord:
    """Make the folder of a study that this process holds, have both say where the other is, and return the study."""
    if location.file is None:
        journal.annotate(PLACE, place_note(location))
    study, trials = store.read(name)
    claim(location, study.name, study.id)
    if study.id:
        discard_beyond(location.folders_of(study.folder_name), len(trials))
    return study


def _settled_first(store: Store, location: Location, name: str, journal: StudyJournal) -> StudyRecord:
    """Do as `_settle` for a study that has just been made; where its files cannot be kept, there is none afterwards."""
    try:
        return _settle(store, location, name, journal)
    except StorageError:
        with suppress(StorageError):
            store.delete(name, is_held=True)
        raise


@contextmanager
def _leaving_no_folder(store: Store, location: Location, name: str, identity: str) -> Iterator[None]:
    """Remove the folders of a study that is removed itself, or could not be made."""
    try:
        yield
    except Exception:
        with suppress(StorageError):
            if identity not in store.ids:
                release(location, name, identity)
        raise


def _with_doubts(assembly: Assembly, location: Location) -> Assembly:
    """Return the parts with what is to be said of a folder that others can change."""
    reason = open_to_others(location.folder) if location.folder.exists() else None
    return assembly if reason is None else replace(assembly, notes=(*assembly.notes, f"{location.folder}: {reason}"))


def _with_lost(assembly: Assembly, study: StudyRecord, trials: Sequence[TrialRecord]) -> Assembly:
    """Return the parts with what is to be said of unfinished trials that have nothing to go on from."""
    root = assembly.job.folders.checkpoints
    begun = [trial for trial in trials if not trial.state.is_finished and trial.last_epoch]
    lost = tuple(trial.number for trial in begun if not has_states(root, trial.number, trial.last_epoch))
    if not lost:
        return assembly
    trial = f"trial {lost[0]} begins" if len(lost) == 1 else f"trials {', '.join(map(str, lost))} begin"
    before = run_elsewhere(study, root.parent.parent)
    note = f"{trial} anew: there is no checkpoint to go on from in {root}{f'; {before}' if before else ''}"
    return replace(assembly, lost=lost, notes=(*assembly.notes, note))


def _reassembled(
    store: Store,
    location: Location,
    name: str,
    overrides: Mapping[str, Any],
    spec: StudySpec | None,
    *,
    mistakes: Mistakes | None = None,
    trust: bool,
) -> tuple[Assembly, dict[str, Any]]:
    """Return the parts of a stored study, and what its spec is to be stored as from now on.

    Raises `ResumeRefusedError` where they no longer are what they were.
    """
    study = store.study(name)
    mistakes = mistakes or Mistakes()
    instead = store.location.command("trials", name)
    spec, folder = spec_to_resume(study, overrides, spec, instead, mistakes, trust=trust)
    space = mistakes.collect(lambda: space_to_resume(study, spec, folder))
    if mistakes.has_any or space is None:
        # A spec with defaults in places differs from the study's for no reason of a person's.
        spec_of_parts = spec if space is None else replace(spec, search_space=space)
        assemble(spec_of_parts, folder, _folders(location, study), mistakes)
    assert space is not None  # or it was a mistake
    session.refuse_changes(store.location, study, spec, space, data_fingerprint(spec, folder))
    directions = study.directions if spec.metrics else ()
    spec_of_parts = replace(spec, search_space=space, directions=directions)
    assembly = assemble(spec_of_parts, folder, _folders(location, study))
    carried = tuple(CarriedOver.parsed(each) for each in study.notes.get("warm_start", ()))
    return _with_doubts(_warmed(assembly, Learned(carried=carried)), location), {**spec.describe(), "name": name}


def _folders(location: Location, study: StudyRecord) -> StudyFolders:
    return location.folders_of(study.folder_name)


def _conductor(
    store: Store,
    study: StudyRecord,
    assembly: Assembly,
    trials: Sequence[TrialRecord],
    listeners: MakeListeners | None,
) -> session.Conductor:
    checkpoints = assembly.job.folders.checkpoints
    keepers = (
        Inheritance(checkpoints, trials),
        Retention(checkpoints, assembly.goal, trials),
        Backups(store.location, sum(trial.state.is_finished for trial in trials)),
    )
    watching = listeners(assembly, trials) if listeners else ()
    spill = Spill(place_of(store.location, study).folder, study.folder_name)
    return _conducting(store, assembly, (*keepers, *watching), spill)


def _logged(listeners: MakeListeners | None, logs: Logs, folder: Path) -> MakeListeners:
    """Return what makes `listeners`, and beside them those that log the study whose files are in `folder`."""

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

        logged = LoggedStudy(
            name=assembly.spec.name,
            folder_name=(assembly.folders or assembly.job.folders).checkpoints.name,
            metric=assembly.goal.metric,
            direction=assembly.goal.direction,
            space=assembly.space,
            earlier=frozenset(trial.number for trial in trials),
        )
        return (*showing, *logs.listeners(logged, folder, warn))

    return make


def _confirm(
    study: StudyRecord, store: Store, assembly: Assembly, listeners: MakeListeners | None, held: ExitStack
) -> session.Confirm:
    """Return what begins the confirmation of a study, which is held as long as `held` is."""

    def begin(trials: Sequence[TrialRecord], works: int) -> Director | None:
        if not any(trial.state is TrialState.COMPLETE for trial in trials):
            return None
        repeated, identity = companion(study.name), new_id()
        before: tuple[TrialRecord, ...] = ()
        if repeated in store:
            stored, before = store.read(repeated)
            identity = stored.id
        location = place_of(store.location, study)
        folders = location.folders_of(folder_name(repeated, identity))
        part = confirming(assembly, trials, before, folders)
        if repeated not in store:
            store.create(
                repeated,
                goal=part.goal,
                space=part.space,
                spec=part.spec.describe(),
                source={"study": study.name, "overrides": {}, "folder": str(assembly.job.folder)},
                identity=identity,
            )
        journal = held.enter_context(store.holding(repeated))
        _settle(store, location, repeated, journal)
        journal.annotate("spec", part.spec.describe())
        watching = listeners(part, before) if listeners else ()
        keepers = (CandidateRetention(folders.checkpoints, trials, before, assembly.goal, assembly.spec.confirm.seeds),)
        spill = Spill(location.folder, folder_name(repeated, identity))
        conductor = _conducting(store, part, (*keepers, *watching), spill, winners(trials, assembly.goal))
        return conductor.controller(repeated, journal, works)

    return begin


def _conducting(
    store: Store, assembly: Assembly, listeners: Sequence[Listener], spill: Spill, to_test: ToTest | None = None
) -> session.Conductor:
    return session.Conductor(
        store,
        assembly.plan,
        space=assembly.space,
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


def _executor(assembly: Assembly, started_in: Path) -> session.Execute:
    executor = import_module(EXECUTORS[assembly.spec.executor]).EXECUTOR
    job = replace(assembly.job, started_in=started_in)

    def execute(director: Director) -> None:
        executor.run(director, job, assembly.spec.resources)

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
