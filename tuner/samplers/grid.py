"""Tries every combination of a few values per parameter, each once."""

from itertools import islice
from typing import final

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.sampler import Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord

__all__ = ["Grid"]


@final
class Grid(Sampler):
    """The product of all choices and `points` values of each range, branch by branch; then the study ends.

    The default configuration is trial 0 already and is not repeated.
    """

    def __init__(self, space: SearchSpace, direction: Direction, seed: int, *, points: int = 5) -> None:
        if points < 1:
            raise ConfigurationError(f"sampler.points: {points} is below 1")
        self._space = space
        self._points = points

    def suggest(self, number: int) -> Config | None:
        default = self._space.default
        others = (config for config in self._space.grid(self._points) if config != default)
        return next(islice(others, number - 1, None), None)

    def observe(self, trial: TrialRecord) -> None:
        pass
