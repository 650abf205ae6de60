"""Models the metric with a Gaussian process: for few, expensive trials that all run to the end."""

from collections.abc import Iterator
from typing import ClassVar, final

from optuna.samplers import GPSampler

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_HELD, Held, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers._optuna import RUNNING, UNSEEN, WORST, Mirror, Shown, complete, measured

__all__ = ["GaussianProcess"]


@final
class GaussianProcess(Sampler):
    """Bayesian optimisation with a Gaussian process, as Optuna implements it; the first `startup_trials` are random.

    It learns from completed trials, and from failed ones, which count as the worst completed one. It models every
    parameter in every trial. Each constraint has a model of its own, and so has each of several metrics.
    """

    needs_complete_trials: ClassVar[bool] = True

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, startup_trials: int = 10) -> None:
        if startup_trials < 1:
            raise ConfigurationError(f"sampler.startup_trials: {startup_trials} is below 1")
        self._startup_trials = startup_trials
        self._mirror = Mirror(space, goal, seed, self._make, _shown)

    @classmethod
    def problems(cls, space: SearchSpace, goal: Goal, *, stops_early: bool) -> Iterator[str]:
        if stops_early:
            yield (
                "it learns from completed trials alone, and a scheduler that stops trials early leaves it next to "
                "none; use the scheduler patience or none, or the sampler tpe"
            )
        if space.is_conditional:
            yield "it cannot model parameters that exist only in some configurations; use the sampler tpe"

    def suggest(self, number: int, held: Held = NOTHING_HELD) -> Config | None:
        return self._mirror.suggest(number, held)

    def observe(self, trial: TrialRecord) -> None:
        self._mirror.observe(trial)

    def _make(self, seed: int) -> GPSampler:
        return GPSampler(seed=seed, n_startup_trials=self._startup_trials)


def _shown(trial: TrialRecord, goal: Goal) -> Shown:
    """Return what the process learns of a trial: where a failed one is, nothing may be any good."""
    if trial.state is TrialState.FAIL:
        return WORST
    if not trial.state.is_finished:
        return RUNNING
    values = measured(trial, goal) if trial.state is TrialState.COMPLETE else None
    return UNSEEN if values is None else complete(values)
