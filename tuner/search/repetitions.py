"""Proposes what was found already: each of some configurations, so many times."""

from collections.abc import Sequence
from typing import final

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord


@final
class Repetitions(Sampler):
    """Proposes every configuration until it was begun `times` times, one after the other."""

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, configs: Sequence[Config], times: int) -> None:
        self._space = space
        self._left = [(config, times) for config in configs]
        self._seen: set[int] = set()

    @property
    def left(self) -> int:
        """How many proposals are still to come."""
        return sum(times for _, times in self._left)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        fitting = (config for config, times in self._left if times > 0 and self._fits(config, fixed))
        return next(fitting, None)

    def observe(self, trial: TrialRecord) -> None:
        if trial.number not in self._seen:
            self._seen.add(trial.number)
            self._left = [(config, times - (config == trial.config)) for config, times in self._left]

    def origin(self, number: int) -> Origin:
        return Origin(kind=OriginKind.REPETITION)

    def _fits(self, config: Config, fixed: FixedParams) -> bool:
        values = self._space.flatten(config)
        return all(path in values and values[path] == value for path, value in fixed.items())
