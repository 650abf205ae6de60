"""A study's model, made of the weights that the study kept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from tuner.analysis import queries
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, ModelError, TunerError
from tuner.domain.model import Model
from tuner.domain.objective import Objective
from tuner.domain.seed import derive
from tuner.domain.study import StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import StudyRecord, confirmed_study
from tuner.domain.trial import Trial, TrialRecord
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoints import BestCheckpoint, trial_folder, trial_name
from tuner.execution.host import is_failure_here
from tuner.execution.objectives import build_objective
from tuner.execution.study_checkpoints import best_checkpoint, store_of
from tuner.models.selection import Chosen, chosen
from tuner.running.lookup import data_fingerprint, located
from tuner.running.spec_source import trusted_module_folder
from tuner.storage.folder_owner import place_of
from tuner.storage.folder_ownership import copied, original_of
from tuner.storage.store import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyModel:
    """A model, whose weights it has, and the study that found it."""

    model: Model
    chosen: Chosen
    spec: StudySpec
    summary: queries.Summary


def model_of(
    store: Store, name: str, number: int | None = None, spec: StudySpec | None = None, *, trust: bool = False
) -> StudyModel:
    """Return the study's model, or that of trial `number`; `spec` stands in for a study that was made in Python.

    Raises `ModelError` where its weights are gone, `ConfigurationError` where the objective makes no models, and
    `UntrustedCodeError` where it lies elsewhere and was not trusted (`trust`).
    """
    study, trials = store.read(name)
    repetitions = store.repetitions(name)
    if not study.spec:
        raise ConfigurationError(f"study {name!r} was not made by tuner, so nothing is known of its models")
    if study.asks_and_tells:
        raise ConfigurationError(f"study {name!r} has no models: its program trains, and keeps what it has trained")
    whose = chosen(store.location, study, trials, repetitions, number)
    # Repetitions have seeds of their own, but the data of the search, split as the search did.
    search = store.study(confirmed_study(name))
    spec = spec or StudySpec.from_description(study.spec)
    folder = trusted_module_folder(study, spec, trust=trust)
    spec = located(spec, [Path.cwd(), Path(study.source["folder"])], folder)
    spec = replace(spec, seed=search.spec["seed"])
    _refuse_other_data(search, data_fingerprint(spec, folder))
    worker_spec = _worker_spec(store, spec, folder, whose)
    best = best_checkpoint(worker_spec.folders, whose.training.number, whose.training.epoch)
    objective = build_objective(worker_spec)
    if not best.is_there and type(objective).model is not Objective.model:
        raise _no_weights(worker_spec, whose, tuple(_others(store, name, whose)))
    seed = derive(store.study(whose.study).spec["seed"], "trial", whose.training.number)
    model = _made(objective, _trial(worker_spec, whose.training, seed, best))
    if model is None:
        raise _no_model(name, worker_spec, whose)
    return StudyModel(model=model, chosen=whose, spec=spec, summary=queries.summarise(study, trials, repetitions))


def _made(objective: Objective, trial: Trial) -> Model | None:
    try:
        return objective.model(trial)
    except TunerError:
        raise
    except BaseException as error:
        if not is_failure_here(error):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"{type(objective).__name__} cannot make the model of trial {trial.number}: {reason}",
            hint="has its code changed since the trial was trained?",
        ) from error


def _refuse_other_data(study: StudyRecord, fingerprint: str | None) -> None:
    """Raise `ConfigurationError` where the data is not the study's: preprocessing is fitted to it anew."""
    data = study.notes.get("data", {})
    if fingerprint is not None and fingerprint != data.get("fingerprint", fingerprint):
        raise ConfigurationError(
            f"the data of study {study.name!r} has changed since: {data.get('path')}",
            hint="put it back as it was: what prepares the inputs is fitted to it",
        )


def _worker_spec(store: Store, spec: StudySpec, folder: Path, whose: Chosen) -> WorkerSpec:
    return WorkerSpec(
        objective=spec.objective,
        folder=folder,
        settings=spec.settings,
        seed=spec.seed,
        metric=spec.metric,
        direction=store.study(whose.study).direction,
        max_epochs=spec.budget.fidelity.most,
        unit=spec.budget.fidelity.unit,
        device="cpu",
        folders=_folders(store, store.study(whose.study)),
    )


def _folders(store: Store, study: StudyRecord) -> StudyFolders:
    """Return the study's folders; raises `ConfigurationError` where they are those of the study this is a copy of."""
    location = place_of(store.location, study)
    if original := original_of(location, study):
        raise ConfigurationError(
            f"the files of study {study.name!r} belong to the same study in {original}, of which this is a copy",
            hint=copied(study, original, location),
        )
    return location.folders_of(study.folder_name, study.checkpoints_url)


def _trial(worker_spec: WorkerSpec, record: TrialRecord, seed: int, best: BestCheckpoint) -> Trial:
    return Trial(
        config=record.config,
        number=record.number,
        seed=seed,
        device=worker_spec.device,
        epoch=record.epoch,
        max_epochs=worker_spec.max_epochs,
        settings=Config(worker_spec.settings),
        checkpoints=best,
    )


def _others(store: Store, name: str, whose: Chosen) -> Iterator[int]:
    """Yield the study's trials that have their weights."""
    study, trials = store.read(name)
    folders = _folders(store, study)
    kept = {name.partition("/")[0] for name in store_of(folders).list()}
    for trial in trials:
        is_it = whose.study == name and trial.number == whose.training.number
        if (
            not is_it
            and trial_name(trial.number) in kept
            and best_checkpoint(folders, trial.number, trial.epoch).is_there
        ):
            yield trial.number


def _no_weights(worker_spec: WorkerSpec, whose: Chosen, others: tuple[int, ...]) -> ModelError:
    record = whose.training
    have = f"`--trial N` takes one that has them: {', '.join(map(str, others))}" if others else "no trial has any"
    return ModelError(
        f"the weights of trial {record.number} at epoch {record.epoch} are not in "
        f"{_place(worker_spec.folders, record.number)}, or damaged",
        hint=f"a study keeps those of its best trials; {have}",
    )


def _place(folders: StudyFolders, number: int) -> Path | str:
    """Return where the checkpoints of a trial are kept, for people."""
    return f"{folders.store}/{trial_name(number)}" if folders.store else trial_folder(folders.checkpoints, number)


def _no_model(name: str, worker_spec: WorkerSpec, whose: Chosen) -> ConfigurationError:
    best = best_checkpoint(worker_spec.folders, whose.training.number, whose.training.epoch)
    folder = best.load_folder() or _place(worker_spec.folders, whose.training.number)
    return ConfigurationError(
        f"the objective of study {name!r} does not say what its model is, so it cannot be exported",
        hint="an objective that inherits OwnModel does, see docs/own-models.md\n"
        f"what trial {whose.training.number} saved itself lies in {folder}",
    )
