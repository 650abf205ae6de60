"""Draws every configuration at random: the yardstick of every other sampler."""

from typing import final

from optuna.samplers import RandomSampler

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord
from tuner.samplers._optuna import UNSEEN, Mirror

__all__ = ["Random"]


@final
class Random(Sampler):
    """Independent draws, uniform on each parameter's own scale."""

    def __init__(self, space: SearchSpace, goal: Goal, seed: int) -> None:
        self._mirror = Mirror(space, goal, seed, RandomSampler, lambda _, __: UNSEEN)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return self._mirror.suggest(number, fixed)

    def observe(self, trial: TrialRecord) -> None:
        self._mirror.observe(trial)

    def origin(self, number: int) -> Origin:
        return self._mirror.origin(OriginKind.RANDOM)
