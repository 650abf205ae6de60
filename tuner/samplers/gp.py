"""Models the metric with a Gaussian process: for few, expensive trials that all run to the end."""

from collections.abc import Iterator
from typing import ClassVar, final

from optuna.samplers import GPSampler

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_HELD, Held, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord
from tuner.samplers._optuna import Mirror

__all__ = ["GaussianProcess"]


@final
class GaussianProcess(Sampler):
    """Bayesian optimisation with a Gaussian process, as Optuna implements it; the first `startup_trials` are random.

    It learns from completed trials alone, and models every parameter in every trial. Each constraint has a model of its
    own, and so has each of several metrics.
    """

    needs_complete_trials: ClassVar[bool] = True

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, startup_trials: int = 10) -> None:
        if startup_trials < 1:
            raise ConfigurationError(f"sampler.startup_trials: {startup_trials} is below 1")
        self._mirror = Mirror(space, goal, seed, lambda each: GPSampler(seed=each, n_startup_trials=startup_trials))

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
