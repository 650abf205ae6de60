"""Objectives whose trials a factory trains."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Metrics, Trial


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

    def want(self, metrics: Collection[str]) -> None:
        self._wanted = metrics

    def start(self, trials: Sequence[Trial]) -> Cohort:
        cohort: Cohort = self._factory.start(trials)
        return cohort

    def test(self, trial: Trial) -> Metrics | None:
        if self._settings.test == 0:
            return None
        metrics: Metrics = self._factory.test(trial)
        return metrics
