"""Objectives whose trials train in ranks: the study says how many, and the objective's code runs in each of them."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.model import Model
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, Metrics, Trial
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoints import CODEC
from tuner.execution.generator import GeneratorCohort
from tuner.execution.host import Host
from tuner.execution.ranks.group import StartMethod, run_ranks
from tuner.execution.ranks.rank_process import FailedEpochError

Find = Callable[[WorkerSpec], Any]
"""Finds a spec's objective, a function or a class."""


@final
class RankFunction:
    """Trains a trial in ranks: as a function, that of a trial's process.

    It travels as the spec, by which a fresh interpreter finds the objective; a fork has what was `found`.
    """

    def __init__(self, worker_spec: WorkerSpec, find: Find, *, start_method: StartMethod, found: Any = None) -> None:
        self._worker_spec = worker_spec
        self._find = find
        self._start_method = start_method
        self._found = found

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(RankFunction, start_method=self._start_method), (self._worker_spec, self._find)

    def __call__(self, trial: Trial) -> Any:
        return run_ranks(self.in_rank, trial, self._worker_spec.ranks, self._start_method, own_devices=True)

    def in_rank(self, trial: Trial) -> Any:
        """Be the function of one rank."""
        found = self._find(self._worker_spec) if self._found is None else self._found
        return self._trained(found, trial) if isinstance(found, type) else found(trial)

    def _trained(self, kind: type[Objective], trial: Trial) -> None:
        """Train with an objective that is a class, epoch by epoch."""
        objective = kind(self._worker_spec.settings, self._worker_spec.seed)
        objective.want(self._worker_spec.wanted or (self._worker_spec.metric,))
        cohort = objective.start([trial])
        while (outcome := cohort.advance()[trial.number]) is not None:
            if isinstance(outcome, Failure):
                raise FailedEpochError(outcome)
            cohort.save([trial.number])
            trial.report(outcome)


@final
class RankedObjective(Objective):
    """An objective that is a class, whose trials train in ranks, and are tested in the trial's process."""

    def __init__(self, objective: Objective, function: RankFunction, host: Host) -> None:
        self._objective = objective
        self._function = function
        self._host = host

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return GeneratorCohort(self._function, trials, self._host)

    def cohort_key(self, config: Config) -> Hashable | None:
        return self._objective.cohort_key(config)

    def test(self, trial: Trial) -> Metrics | None:
        return self._objective.test(trial)

    def model(self, trial: Trial) -> Model | None:
        return self._objective.model(trial)


def prepare_ranks(found: Any) -> None:
    """Import what each rank of a class would take a second or more to import, before they are forked."""
    if isinstance(found, type):
        import_module(CODEC)
