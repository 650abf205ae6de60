"""Draws from where good trials are denser than poor ones: the default, for any space."""

import warnings
from random import Random
from typing import final

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import RandomSampler, TPESampler

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers._optuna import RUNNING, Mirror, Shown, complete, measured

__all__ = ["TPE"]

_RANDOM_SHARE = 1 / 3
"""How many proposals are random where trials are stopped early: most of what is known then are first reports.

Falkner et al. 2018, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", have the same share.
"""


_MORE_WHERE_STOPPED = 2
"""By how much more has to be known where trials are stopped early: measured in decision 0020."""


@final
class TPE(Sampler):
    """The tree-structured Parzen estimator (Bergstra et al. 2011), all parameters of a branch modelled together.

    Proposals are random until as many epochs were reported as `startup_trials` trials have that are trained as far as
    any. Where trials are stopped early it takes twice as many, and every third proposal stays random.

    A trial that has reported counts with its best value so far, whether it is running, was stopped or is complete. One
    that has not reported yet counts as poor, so that parallel proposals spread out, and so does one that failed, for
    whatever reason. Those that break a constraint count as worse than all that meet it, the more the further they are
    from meeting it. With several metrics the trials that no other is better than are the good ones (Ozaki et al. 2022,
    "Multiobjective Tree-Structured Parzen Estimator"), and parameters are modelled one by one: a front has no single
    place where they belong together.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, startup_trials: int = 10) -> None:
        if startup_trials < 1:
            raise ConfigurationError(f"sampler.startup_trials: {startup_trials} is below 1")
        self._startup_trials = startup_trials
        self._together = not goal.has_several
        self._seed = seed
        self._epochs: dict[int, int] = {}
        self._failed: set[int] = set()
        self._has_stopped = False
        self._mirror = Mirror(space, goal, seed, self._make, _shown)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return self._mirror.suggest(
            number, fixed, self._make if self._kind(number) is OriginKind.MODEL else RandomSampler
        )

    def observe(self, trial: TrialRecord) -> None:
        self._epochs[trial.number] = trial.last_epoch
        self._has_stopped = self._has_stopped or trial.state is TrialState.PRUNED
        if trial.state is TrialState.FAIL:
            self._failed.add(trial.number)
        self._mirror.observe(trial)

    def origin(self, number: int) -> Origin:
        reported = sum(epochs > 0 or each in self._failed for each, epochs in self._epochs.items())
        return self._mirror.origin(self._kind(number), reported)

    def _kind(self, number: int) -> OriginKind:
        if not self._knows_enough:
            return OriginKind.STARTUP
        draw = Random(derive(self._seed, "explore", number))  # noqa: S311 - no secret
        is_random = self._has_stopped and draw.random() < _RANDOM_SHARE
        return OriginKind.RANDOM if is_random else OriginKind.MODEL

    @property
    def _knows_enough(self) -> bool:
        """Whether the model begins; what failed is known as well as what was trained to the end."""
        furthest = max(1, *self._epochs.values()) if self._epochs else 1
        trained = sum(epochs for number, epochs in self._epochs.items() if number not in self._failed)
        needed = self._startup_trials * (_MORE_WHERE_STOPPED if self._has_stopped else 1)
        return trained >= (needed - len(self._failed)) * furthest

    def _make(self, seed: int) -> TPESampler:
        with warnings.catch_warnings():
            # `group` is what models conditional parameters together; Optuna calls it experimental since 2021.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(
                n_startup_trials=0,  # Optuna would count trials, however short they were
                multivariate=self._together,
                group=self._together,
                constant_liar=True,
                seed=seed,
            )


def _shown(trial: TrialRecord, goal: Goal) -> Shown:
    # A failed trial is shown as one that has yet to report: such a one is never among the good, however few there are.
    values = None if trial.state is TrialState.FAIL else measured(trial, goal)
    return RUNNING if values is None else complete(values)
