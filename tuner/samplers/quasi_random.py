"""Spreads configurations evenly over the space: random search without its gaps."""

from typing import final

from scipy.stats.qmc import Sobol

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord
from tuner.samplers._proposals import Proposals

__all__ = ["QuasiRandom"]

_STRIDE = 1 << 16


@final
class QuasiRandom(Sampler):
    """Scrambled Sobol points: trial n takes point n, and every parameter of every branch has its own coordinate.

    A point that breaks the rules or was tried is replaced by the one 65,536 further on.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._proposals = Proposals(space, seed)
        self._paths = list(space.parameters)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return self._proposals.choose(number, fixed, lambda attempt: self._point(number + attempt * _STRIDE, fixed))

    def observe(self, trial: TrialRecord) -> None:
        self._proposals.observe(trial)

    def origin(self, number: int) -> Origin:
        return self._proposals.origin(OriginKind.SEQUENCE)

    def _point(self, index: int, fixed: FixedParams) -> Config:
        sequence = Sobol(len(self._paths), scramble=True, rng=derive(self._seed, "sobol"))
        sequence.fast_forward(index)
        (point,) = sequence.random(1)
        return self._space.at(dict(zip(self._paths, map(float, point), strict=True)), fixed)
