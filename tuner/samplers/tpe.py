"""Draws from where good trials are denser than poor ones: the default, for any space."""

import warnings
from typing import final

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_HELD, Held, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord
from tuner.samplers._optuna import Mirror

__all__ = ["TPE"]


@final
class TPE(Sampler):
    """The tree-structured Parzen estimator (Bergstra et al. 2011), all parameters of a branch modelled together.

    The first `startup_trials` are random. Trials that were stopped early are learned from, those that reached further
    counting as better; trials that are running count as poor, so that parallel proposals spread out. So do those that
    break a constraint, the more the further they are from meeting it. With several metrics the trials that no other is
    better than are the good ones (Ozaki et al. 2022, "Multiobjective Tree-Structured Parzen Estimator"), and parameters
    are modelled one by one: a front has no single place where they belong together.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, startup_trials: int = 10) -> None:
        if startup_trials < 1:
            raise ConfigurationError(f"sampler.startup_trials: {startup_trials} is below 1")
        self._startup_trials = startup_trials
        self._together = not goal.has_several
        self._mirror = Mirror(space, goal, seed, self._make)

    def suggest(self, number: int, held: Held = NOTHING_HELD) -> Config | None:
        return self._mirror.suggest(number, held)

    def observe(self, trial: TrialRecord) -> None:
        self._mirror.observe(trial)

    def _make(self, seed: int) -> TPESampler:
        with warnings.catch_warnings():
            # `group` is what models conditional parameters together; Optuna calls it experimental since 2021.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(
                n_startup_trials=self._startup_trials,
                multivariate=self._together,
                group=self._together,
                constant_liar=True,
                seed=seed,
            )
