"""Train a model on examples with known answers: classification and regression, on what ships or on data of your own."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.domain.final_model import FinalModel
from tuner.domain.model import Model, SavedModel
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import Trial
from tuner.objectives._components import BATCH_SIZE, DATASETS, DEFAULT_BATCH_SIZE, part
from tuner.objectives._factory_objective import FactoryObjective
from tuner.objectives._proposal import proposed
from tuner.objectives._settings import Settings, absolute, is_path
from tuner.objectives._space_checks import space_doubts, space_problems
from tuner.objectives._tasks import Input, Task
from tuner.objectives.user_data.fingerprint import fingerprint

__all__ = ["Supervised"]


@final
class Supervised(FactoryObjective):
    """Supervised learning.

    A configuration chooses `architecture`, `loss`, `optimizer` and `lr_schedule`, the preprocessing steps `cleaning`,
    `transformation` and `scaling` (or `preprocessing`, which means the scaling), and `batch_size`; each by name, or as
    a branch with the fields of that member. A table with categories has an `encoding` too, and a classifier
    `class_weights`. What is not chosen keeps its default.
    """

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self._settings: Settings = Settings.of(settings)
        self._seed = seed
        self._opened = self._open()
        self._dataset = DATASETS[self._settings.dataset]() if self._opened is None else self._opened.dataset

    def _open(self) -> Any:
        """Return the data that lies in a file; None where the dataset ships."""
        options = self._settings.options
        if options is None:
            return None
        # Shipped datasets do not wait for what reads files.
        from tuner.objectives.user_data.open_data import open_data  # noqa: PLC0415

        settings = self._settings
        return open_data(
            Path(settings.dataset), options, validation=settings.validation, test=settings.test, seed=self._seed
        )

    @cached_property
    def _factory(self) -> Any:
        # The driver asks an objective questions and must not wait for torch; only a worker gets here.
        from tuner.objectives.training.trainer_factory import TrainerFactory  # noqa: PLC0415

        settings = self._settings
        return TrainerFactory(
            self._dataset,
            validation=settings.validation,
            test=settings.test,
            seed=self._seed,
            precision=settings.precision,
            wanted=self._wanted,
        )

    @property
    def _task(self) -> Task:
        task: Task = self._dataset.task
        return task

    def problems(self, space: SearchSpace) -> Sequence[str]:
        return tuple(space_problems(space, Path(self._settings.dataset).name, self._dataset))

    def notes(self, space: SearchSpace) -> Sequence[str]:
        of_data = () if self._opened is None else self._opened.notes
        return (*of_data, *space_doubts(space, self._dataset))

    def data(self) -> DataRecord | None:
        return None if self._opened is None else self._opened.record

    def proposal(self) -> Mapping[str, Any]:
        return proposed(self._dataset)

    @classmethod
    def located(cls, settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
        dataset = settings.get("dataset")
        return {**settings, "dataset": absolute(dataset, folders)} if isinstance(dataset, str) else settings

    @classmethod
    def fingerprint(cls, settings: Mapping[str, Any]) -> str | None:
        dataset = settings.get("dataset")
        if not isinstance(dataset, str) or not is_path(dataset) or not Path(dataset).exists():
            return None
        try:
            return fingerprint(Path(dataset))[0]
        except OSError as error:
            raise ConfigurationError(f"{dataset}: cannot be read: {error.strerror or error}") from None

    def cohort_key(self, config: Config) -> Hashable:
        """Return the batch size and what decides a model's shapes: neither dropout nor how initial weights spread."""
        architecture = part(config, "architecture", self._task).without("dropout")
        is_table = self._dataset.kind is Input.TABLE
        cleaning = part(config, "cleaning", self._task) if is_table else None
        encoding = part(config, "encoding", self._task) if self._dataset.categories else None
        numbers = part(config, "number_encoding", self._task).without("spread") if is_table else None
        return architecture, config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE), cleaning, encoding, numbers

    def ensemble(self, trials: Sequence[Trial], *, lead: int) -> tuple[int, ...]:
        counts: tuple[int, ...] = self._factory.ensemble(trials, lead)
        return counts

    def train_on_all(self, trials: Sequence[Trial]) -> bool:
        if self._dataset.kind is not Input.TABLE or not self._factory.trains_on_all:
            return False
        # The driver does this, and must not wait for torch before.
        from tuner.objectives.training.all_rows import trained_on_all  # noqa: PLC0415

        cohorts: dict[Hashable, list[Trial]] = {}
        for trial in trials:
            cohorts.setdefault(self.cohort_key(trial.config), []).append(trial)
        for cohort in cohorts.values():
            trained_on_all(self._factory.of_all_rows, cohort)
        return True

    def final_model(
        self, trials: Sequence[Trial], counts: Sequence[int], trained_on_all: Sequence[Trial] = ()
    ) -> FinalModel:
        found: FinalModel = self._factory.final_model(trials, counts, trained_on_all)
        return found

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        from tuner.objectives.training.ensemble_model import restored  # noqa: PLC0415 - torch, as above

        return restored(saved)
