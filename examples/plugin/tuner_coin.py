"""A sampler for tuner: `pip install ./plugin`, then `sampler = "coin"` in any study file."""

import random
from typing import final

from tuner import Proposals, Sampler, SearchSpace, TrialRecord
from tuner.domain.config import Config, Scalar
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_FIXED, FixedParams


@final
class Coin(Sampler):
    """Draws every parameter at random, or takes its default with `keep` as the probability."""

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, keep: float = 0.0) -> None:
        self._space = space
        self._seed = seed
        self._keep = keep
        self._proposals = Proposals(space, seed)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        """Return the first of several draws that is allowed and new."""
        return self._proposals.choose(number, fixed, lambda attempt: self._drawn(f"{number} {attempt}", fixed))

    def observe(self, trial: TrialRecord) -> None:
        """Remember what was tried."""
        self._proposals.observe(trial)

    def _drawn(self, purpose: str, fixed: FixedParams) -> Config:
        draw = random.Random(f"{self._seed} {purpose}")

        def value(path: str) -> Scalar:
            parameter = self._space.parameters[path]
            return parameter.default if draw.random() < self._keep else parameter.at(draw.random())

        drawn = {path: value(path) for path in self._space.parameters}
        return self._space.build(lambda path, _: fixed[path] if path in fixed else drawn[path])
