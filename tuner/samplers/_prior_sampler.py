"""Draws a fading share of the configurations near the priors of the space, whatever sampler proposes the others."""

from random import Random
from typing import final

from tuner.domain.config import Config
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord
from tuner.samplers._proposals import Proposals

_HALF_LIFE = 16
"""By this trial the share has fallen to half of what it was at first."""


@final
class PriorSampler(Sampler):
    """Lets another sampler propose, but for a share of the trials: those are drawn near the space's priors.

    Nearly every second one of the first trials is, every fourth by trial 16 and every tenth by trial 64, so that a good
    guess is found at once, and a wrong one costs little. The other sampler learns from these as from its own.
    """

    def __init__(self, sampler: Sampler, space: SearchSpace, seed: int) -> None:
        self._sampler = sampler
        self._space = space
        self._seed = seed
        self._proposals = Proposals(space, seed)

    @property
    def most_proposals(self) -> float:
        return self._sampler.most_proposals

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        if not self._is_near_priors(number):
            return self._sampler.suggest(number, fixed)
        return self._proposals.choose(number, fixed, lambda attempt: self._likely(number, attempt, fixed))

    def observe(self, trial: TrialRecord) -> None:
        self._proposals.observe(trial)
        self._sampler.observe(trial)

    def origin(self, number: int) -> Origin:
        return (
            self._proposals.origin(OriginKind.PRIOR) if self._is_near_priors(number) else self._sampler.origin(number)
        )

    def _is_near_priors(self, number: int) -> bool:
        draw = Random(derive(self._seed, "prior", number))  # noqa: S311 - no secret
        return draw.random() < 1 / (2 + 2 * number / _HALF_LIFE)

    def _likely(self, number: int, attempt: int, fixed: FixedParams) -> Config:
        draw = Random(derive(self._seed, "near the priors", number, attempt))  # noqa: S311 - no secret
        return self._space.likely(draw, fixed)
