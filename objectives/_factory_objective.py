"""Objectives whose trials a factory trains."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from tuner.domain.goal import OF_MODELS
from tuner.domain.model import Model
from tuner.domain.objective import Cohort, Objective
from tuner.domain.study import Direction
from tuner.domain.trial import Metrics, Trial
from tuner.objectives._tasks import Task
from tuner.objectives.training.metrics import DIRECTIONS


class FactoryObjective(Objective):
    """What the built-in objectives share: their trials train in cohorts, in the worker.

    A subclass sets `_settings`, whose `test` is the share of the data that the search never sees, and `_wanted`.
    """

    grows: ClassVar[bool] = True
    exploits: ClassVar[bool] = True
    isolated: ClassVar[bool] = False

    _settings: Any
    _wanted: Collection[str] = ()

    @property
    @abstractmethod
    def _factory(self) -> Any:
        """What trains, made once in a worker: the driver asks an objective questions, and must not wait for torch."""

    @property
    @abstractmethod
    def _task(self) -> Task:
        """What is learned."""

    def metrics(self) -> Mapping[str, Direction]:
        return {**DIRECTIONS[self._task], **OF_MODELS}

    def want(self, metrics: Collection[str]) -> None:
        self._wanted = metrics

    def start(self, trials: Sequence[Trial]) -> Cohort:
        from tuner.objectives.training.cohort import SupervisedCohort  # noqa: PLC0415 - torch, as above

        return SupervisedCohort(self._factory, trials)

    def test(self, trial: Trial) -> Metrics | None:
        if self._settings.test == 0:
            return None
        from tuner.objectives.training.saved_trial import tested  # noqa: PLC0415 - torch, as above

        return tested(self._factory, trial)

    def model(self, trial: Trial) -> Model:
        model: Model = self._factory.model(trial)
        return model
