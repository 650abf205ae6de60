"""A stored study and its folders: made ready to run, and rebuilt from what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from tuner.domain.errors import ConfigurationError, ResumeRefusedError, StorageError
from tuner.domain.new_study import NewStudy
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord, confirmed_study, is_companion
from tuner.domain.trial import TrialRecord
from tuner.execution.checkpoints import discard_beyond
from tuner.execution.study_checkpoints import StudyCheckpoints, store_of
from tuner.running.builder import build_components
from tuner.running.cluster import joined_capacity
from tuner.running.code_places import Source
from tuner.running.components import RunComponents
from tuner.running.extension import budget_key, refuse_less, with_extension, without_other_units
from tuner.running.held_study import HeldStudy
from tuner.running.kept_ends import with_ends, without_ends
from tuner.running.lookup import data_fingerprint
from tuner.running.resume_check import refuse_changes
from tuner.running.resume_request import ResumeRequest
from tuner.running.spec_source import space_to_resume, spec_to_resume
from tuner.running.transfer import WarmStartConfigs, warm_started
from tuner.search.warm_start import TransferredConfig
from tuner.storage.folder_owner import PLACE, place_note, place_of, run_elsewhere
from tuner.storage.folder_ownership import claim, copied, original_of, release
from tuner.storage.location import Location
from tuner.storage.reader import new_id
from tuner.storage.store import Store
from tuner.storage.url_store import UrlStore
from tuner.system.environment import environment
from tuner.system.files import open_to_others


def place_of_study(store: Store, name: str) -> Location:
    """Return the location with the folder of the stored study's files; raises `ResumeRefusedError` for a copy's."""
    if is_companion(name):
        search = confirmed_study(name)
        raise ConfigurationError(
            f"{name!r} are the repetitions of study {search!r}, which are resumed with it",
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


def store_new(
    store: Store,
    spec: StudySpec,
    source: Source,
    components: RunComponents,
    identity: str,
    *,
    notes: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Store a new study with its `spec`, where that came from, and `notes`; raises `StudyExistsError`."""
    store.create(
        NewStudy(
            name=spec.name,
            goal=components.goal,
            space=components.space,
            spec=replace(spec, direction=components.goal.direction).describe(),
            source=asdict(source),
            notes={**_first_notes(components), **notes},
            identity=identity,
        )
    )


def _first_notes(components: RunComponents) -> dict[str, Any]:
    """Return what is written down about a study when it is created."""
    notes: dict[str, Any] = {"environment": dict(environment())}
    if components.carried:
        notes["warm_start"] = [each.describe() for each in components.carried]
    if components.data is not None:
        notes["data"] = components.data.describe()
    return notes


def settle(held: HeldStudy) -> tuple[StudyRecord, tuple[TrialRecord, ...]]:
    """Make the folder of a study, have both say where the other is, and return the study.

    Its trials are returned with it, since they had to be read.
    """
    if held.location.file is None:
        held.writer.annotate(PLACE, place_note(held.location))
    study, trials = held.read()
    claim(held.location, study.name, study.id)
    if study.id:
        folders = held.location.folders_of(study.folder_name, study.checkpoints_url)
        discard_beyond(folders, len(trials))
        StudyCheckpoints(store_of(folders)).discard_beyond(len(trials))
    return study, trials


def settle_first(held: HeldStudy) -> StudyRecord:
    """Do as `settle` for a study that has just been made; where its files cannot be kept, there is none afterwards."""
    try:
        return settle(held)[0]
    except StorageError:
        with suppress(StorageError):
            held.store.delete(held.name, is_held=True)
        raise


def check_store(components: RunComponents) -> None:
    """Raise `StorageError` where checkpoints are to be kept at a URL and cannot be; a probe is written there."""
    if url := components.worker_spec.folders.store:
        UrlStore(url).check(f".tuner-{new_id()}")


@contextmanager
def leaving_no_folder(store: Store, location: Location, name: str, identity: str) -> Iterator[None]:
    """Remove the folders of a study that is removed itself, or could not be made."""
    try:
        yield
    except Exception:
        with suppress(StorageError):
            if identity not in store.ids:
                release(location, name, identity)
        raise


def rebuild_components(
    store: Store, location: Location, name: str, request: ResumeRequest
) -> tuple[RunComponents, dict[str, Any]]:
    """Return the components of a stored study, and the notes about what it is asked to do from now on.

    Raises `ResumeRefusedError` where they no longer are what they were.
    """
    study, mistakes = store.study(name), request.mistakes
    overrides = with_extension(study, without_other_units(study, request.overrides, mistakes))
    spec, folder = spec_to_resume(study, replace(request, overrides=without_ends(overrides)), store.location)
    spec, ends = with_ends(study, spec, overrides, mistakes)
    folders = location.folders_of(study.folder_name, study.checkpoints_url)
    space = mistakes.collect(lambda: space_to_resume(study, spec, folder))
    if mistakes.has_any or space is None:
        # A spec with defaults in places differs from the study's for no reason of a person's.
        spec_to_build = spec if space is None else replace(spec, search_space=space)
        build_components(spec_to_build, folder, folders, mistakes)
    assert space is not None  # or it was a mistake
    key = budget_key(study)
    if key in overrides:
        refuse_less(store, study, spec.budget.fidelity)
    free = [key] if key in overrides else []
    refuse_changes(store.location, study, spec, space, data_fingerprint(spec, folder), free=free)
    directions = study.directions if spec.metrics else ()
    spec_to_build = replace(spec, search_space=space, directions=directions)
    components = build_components(spec_to_build, folder, folders, capacity=joined_capacity(spec, folder))
    carried = tuple(TransferredConfig.parsed(each) for each in study.notes.get("warm_start", ()))
    components = warm_started(components, WarmStartConfigs(carried=carried))
    return with_folder_warning(components, location), {"spec": {**spec.describe(), "name": name}, **ends}


def with_folder_warning(components: RunComponents, location: Location) -> RunComponents:
    """Return the components with a warning where others can change the study's folder."""
    reason = open_to_others(location.folder) if location.folder.exists() else None
    if reason is None:
        return components
    return replace(components, notes=(*components.notes, f"{location.folder}: {reason}"))


def with_lost_trials(components: RunComponents, study: StudyRecord, trials: Sequence[TrialRecord]) -> RunComponents:
    """Return the components with a warning for unfinished trials that have no checkpoint to continue from."""
    folders = components.worker_spec.folders
    kept = StudyCheckpoints(store_of(folders))
    begun = [trial for trial in trials if not trial.state.is_finished and trial.last_epoch]
    lost = tuple(trial.number for trial in begun if not kept.has_states(trial.number, trial.last_epoch))
    if not lost:
        return components
    trial = f"trial {lost[0]} begins" if len(lost) == 1 else f"trials {', '.join(map(str, lost))} begin"
    before = "" if folders.store else run_elsewhere(study, folders.checkpoints.parent.parent)
    where = folders.store or folders.checkpoints
    note = f"{trial} anew: there is no checkpoint to continue from in {where}{f'; {before}' if before else ''}"
    return replace(components, lost=lost, notes=(*components.notes, note))
