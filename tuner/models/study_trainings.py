"""A study's trainings as its objective is given them: with the data of the search, and the weights that were kept."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import final

from tuner.analysis import queries
from tuner.analysis.study_answer import StudyAnswer, Training, training
from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, ModelError
from tuner.domain.objective import Objective
from tuner.domain.places import Cluster
from tuner.domain.seed import derive
from tuner.domain.study import StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import StudyRecord, companion, confirmed_study
from tuner.domain.trial import Trial, TrialRecord
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.all_rows_checkpoint import AllRowsCheckpoint
from tuner.execution.checkpoints import trial_folder, trial_name
from tuner.execution.generator import GeneratorObjective
from tuner.execution.objectives import build_objective
from tuner.execution.study_checkpoints import best_checkpoint, store_of
from tuner.execution.threads import threads_of
from tuner.models.selection import Chosen, chosen
from tuner.running.code_places import trusted_module_folder
from tuner.running.lookup import data_fingerprint, located
from tuner.storage.folder_owner import place_of
from tuner.storage.folder_ownership import copied, original_of
from tuner.storage.store import Store


@final
class StudyTrainings:
    """The trials and repetitions of one stored study, of which `chosen` is its single model, and their weights.

    `number` asks for the model of that trial, and `spec` stands in for that of a study that was made in Python. Raises
    `ConfigurationError` where there is nothing to make a model of, or the data has changed.
    """

    def __init__(
        self, store: Store, name: str, number: int | None = None, spec: StudySpec | None = None, *, trust: bool = False
    ) -> None:
        self.store, self.name = store, name
        self._specs: dict[str, WorkerSpec] = {}
        self.study, self.trials = store.read(name)
        self.repetitions = store.repetitions(name)
        if not self.study.spec:
            raise ConfigurationError(f"study {name!r} was not made by tuner, so nothing is known of its models")
        if self.study.asks_and_tells:
            raise ConfigurationError(f"study {name!r} has no models: its program trains, and keeps what it has trained")
        self.chosen: Chosen = chosen(store.location, self.study, self.trials, self.repetitions, number)
        # Repetitions have seeds of their own, but the data of the search, split as the search did.
        search = store.study(confirmed_study(name))
        spec = spec or StudySpec.from_description(self.study.spec)
        spec = replace(spec, cluster=Cluster())  # models are made here, whatever cluster has trained them
        self._folder = trusted_module_folder(self.study, spec, trust=trust)
        spec = located(spec, [Path.cwd(), Path(self.study.source["folder"])], self._folder)
        self.spec = replace(spec, seed=search.spec["seed"])
        _refuse_other_data(search, data_fingerprint(self.spec, self._folder))

    @cached_property
    def objective(self) -> Objective:
        """The study's objective."""
        return build_objective(self._worker_spec(self.chosen.study))

    @cached_property
    def summary(self) -> queries.Summary:
        """The study in a few numbers."""
        return queries.summarise(self.study, self.trials, self.repetitions)

    @property
    def threads(self) -> int:
        """How many threads a training computes with."""
        return threads_of(self._worker_spec(self.chosen.study), os.environ)

    @property
    def single(self) -> Training:
        """The training that is the study's single model."""
        return training(self.chosen.study, self.chosen.training)

    @property
    def answer(self) -> StudyAnswer | None:
        """What is stored of the study's model."""
        return self.summary.answer

    def trial(self, study: str, record: TrialRecord) -> Trial | None:
        """Return a trial of the study, or of its repetitions, with its weights; None where these are gone."""
        spec = self._worker_spec(study)
        best = best_checkpoint(spec.folders, record.number, record.epoch)
        return self._trial(spec, study, record, best) if best.is_there else None

    def record_of(self, training: Training) -> TrialRecord | None:
        """Return what is stored of a training; None where its best epoch is another one by now, or it is not there."""
        records = self.repetitions if training.study == companion(self.name) else self.trials
        there = (each for each in records if (each.number, each.epoch) == (training.number, training.epoch))
        return next(there, None)

    def trial_of(self, training: Training) -> Trial | None:
        """Return the trial of a training, with its weights; None where these are gone."""
        record = self.record_of(training)
        return None if record is None else self.trial(training.study, record)

    def continued_from_another(self, training: Training) -> bool:
        """Whether a training has at some time continued from the state of another trial."""
        record = self.record_of(training)
        return record is not None and bool(record.schedule)

    def trial_on_all(self, training: Training) -> Trial:
        """Return the trial of a training that is there, as one that is, or was, trained once more on all rows."""
        record, spec = self.record_of(training), self._worker_spec(training.study)
        assert record is not None  # as said
        return self._trial(spec, training.study, record, AllRowsCheckpoint(spec.folders, record.number, training.epoch))

    def trial_without_weights(self) -> Trial:
        """Return the trial that was chosen, whatever is left of its weights."""
        spec, record = self._worker_spec(self.chosen.study), self.chosen.training
        return self._trial(spec, self.chosen.study, record, best_checkpoint(spec.folders, record.number, record.epoch))

    def place(self, number: int) -> Path | str:
        """Return where the checkpoints of a trial are kept, of those among which one was chosen; for people."""
        folders = self._worker_spec(self.chosen.study).folders
        return f"{folders.store}/{trial_name(number)}" if folders.store else trial_folder(folders.checkpoints, number)

    def others_with_weights(self) -> Iterator[int]:
        """Yield the trials of the search that have their weights, but for the one that was chosen."""
        folders = _folders(self.store, self.study)
        kept = {name.partition("/")[0] for name in store_of(folders).list()}
        for trial in self.trials:
            is_it = self.chosen.study == self.name and trial.number == self.chosen.training.number
            if (
                not is_it
                and trial_name(trial.number) in kept
                and best_checkpoint(folders, trial.number, trial.epoch).is_there
            ):
                yield trial.number

    def _worker_spec(self, study: str) -> WorkerSpec:
        if study not in self._specs:
            self._specs[study] = self._made_spec(study)
        return self._specs[study]

    def _made_spec(self, study: str) -> WorkerSpec:
        record = self.store.study(study)
        return WorkerSpec(
            objective=self.spec.objective,
            folder=self._folder,
            settings=self.spec.transfer.at_first(self.spec.settings),
            seed=self.spec.seed,
            metric=self.spec.metric,
            direction=record.direction,
            max_epochs=self.spec.budget.fidelity.most,
            unit=self.spec.budget.fidelity.unit,
            threads=self.spec.resources.threads,
            device="cpu",
            folders=_folders(self.store, record),
        )

    def _trial(self, spec: WorkerSpec, study: str, record: TrialRecord, kept: Checkpoints) -> Trial:
        return Trial(
            config=record.config,
            number=record.number,
            seed=derive(self.store.study(study).spec["seed"], "trial", record.number),
            device=spec.device,
            epoch=record.epoch,
            max_epochs=spec.max_epochs,
            settings=Config(spec.settings),
            checkpoints=kept,
        )


def _refuse_other_data(study: StudyRecord, fingerprint: str | None) -> None:
    """Raise `ConfigurationError` where the data is not the study's: preprocessing is fitted to it anew."""
    data = study.notes.get("data", {})
    if fingerprint is not None and fingerprint != data.get("fingerprint", fingerprint):
        raise ConfigurationError(
            f"the data of study {study.name!r} has changed since: {data.get('path')}",
            hint="put it back as it was: what prepares the inputs is fitted to it",
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


def no_weights(trainings: StudyTrainings) -> ModelError:
    """Return the error for a model whose weights are gone, with the trials that have theirs."""
    record, others = trainings.chosen.training, tuple(trainings.others_with_weights())
    have = f"`--trial N` takes one that has them: {', '.join(map(str, others))}" if others else "no trial has any"
    return ModelError(
        f"the weights of trial {record.number} at epoch {record.epoch} are not in "
        f"{trainings.place(record.number)}, or damaged",
        hint=f"a study keeps those of its best trials; {have}",
    )


def no_model(trainings: StudyTrainings) -> ConfigurationError:
    """Return the error for an objective that makes no models, with what its trial has saved itself."""
    number = trainings.chosen.training.number
    best = trainings.trial_without_weights().load_folder()
    lies_in = f"what trial {number} saved itself lies in {best or trainings.place(number)}"
    if not isinstance(trainings.objective, GeneratorObjective):
        objective = trainings.study.spec["objective"]
        return ConfigurationError(f"the objective {objective} makes no models that can be exported", hint=lies_in)
    return ConfigurationError(
        f"the objective of study {trainings.name!r} does not say what its model is, so it cannot be exported",
        hint=f"an objective that inherits OwnModel does, see docs/own-models.md\n{lies_in}",
    )
