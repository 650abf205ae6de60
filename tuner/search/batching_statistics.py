"""Counts how many epochs were trained in batches, and stores the counts with the study now and then."""

from dataclasses import replace
from typing import final

from tuner.domain.batching import NOTE, Batching
from tuner.domain.config import Config
from tuner.domain.trial import Report
from tuner.search.cohort_policy import CohortPolicy
from tuner.search.unit_of_work import UnitOfWork


@final
class BatchingStatistics:
    """The counts of a study; `batching` is what an earlier run has counted."""

    def __init__(self, cohorts: CohortPolicy, batching: Batching) -> None:
        self._cohorts = cohorts
        self._batching = batching
        self._stored = batching.epochs

    @property
    def is_due(self) -> bool:
        """Whether twice as many epochs were counted as when the counts were stored last."""
        return self._batching.epochs > 2 * self._stored

    def count(self, report: Report) -> None:
        """Count the epoch of the report."""
        self._batching = self._batching.counting(report)

    def store(self, config: Config, unit: UnitOfWork) -> None:
        """Store the counts where they have changed, with the bound of a cohort of this configuration's shape."""
        if self._batching.epochs == self._stored:
            return
        bound = self._cohorts.bound(config)
        self._batching = replace(self._batching, most=bound.members, bound=bound.reason)
        self._stored = self._batching.epochs
        unit.note(NOTE, self._batching.describe())
