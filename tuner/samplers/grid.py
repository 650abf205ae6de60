"""Tries every combination of a few values per parameter, each once."""

from typing import final

from tuner.domain.config import Config, Scalar
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord

__all__ = ["Grid"]

_MOST_COUNTED = 10_000
"""Up to so many configurations are counted one by one, without those that break a rule."""


@final
class Grid(Sampler):
    """The product of all choices and `points` values of each range, branch by branch; then the study ends.

    What was tried is not repeated, so the default configuration, trial 0, is not either.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, points: int = 5) -> None:
        if points < 1:
            raise ConfigurationError(f"sampler.points: {points} is below 1")
        self._space = space
        self._points = points
        self._tried: set[frozenset[tuple[str, Scalar]]] = set()

    @property
    def most_proposals(self) -> float:
        count = self._space.grid_count(self._points)
        if not self._space.rules or count > _MOST_COUNTED:
            return count
        return sum(1 for _ in self._space.grid(self._points))

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return next(
            (each for each in self._space.grid(self._points, fixed) if self._key(each) not in self._tried), None
        )

    def observe(self, trial: TrialRecord) -> None:
        self._tried.add(self._key(trial.config))

    def origin(self, number: int) -> Origin:
        return Origin(kind=OriginKind.SEQUENCE)

    def _key(self, config: Config) -> frozenset[tuple[str, Scalar]]:
        return frozenset(self._space.flatten(config).items())
