"""Which of a sampler's proposals becomes a trial: one that meets the rules of the space and was not tried before."""

import random
from collections.abc import Callable
from functools import cached_property
from typing import final

from tuner.domain.config import Config, Scalar
from tuner.domain.errors import SearchSpaceError
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import FixedParams
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord

_TRIES_FOR_RULES = 50
_TRIES_FOR_NEW = 3
_RANDOM_TRIES = 10_000

_FEW = 1_000
"""Up to so many configurations are listed, so that the last ones that were not tried are found."""

_Key = frozenset[tuple[str, Scalar]]


@final
class Proposals:
    """Knows what was tried, and chooses among what a sampler proposes.

    A trial is compared only with those of lower numbers, so what a number gets does not depend on what was begun
    since. Once every configuration was tried, a further trial trains one again, with another seed.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._tried: dict[_Key, int] = {}
        self._rejected = 0
        self._is_drawn = False

    def observe(self, trial: TrialRecord) -> None:
        """Record that the configuration of a trial was tried."""
        # A trial may since have continued from another's state, with another configuration.
        key = self._key(trial.config_at(1))
        self._tried[key] = min(trial.number, self._tried.get(key, trial.number))

    def choose(self, number: int, fixed: FixedParams, propose: Callable[[int], Config]) -> Config | None:
        """Return the first of `propose(0)`, `propose(1)`, ... that meets the rules and is new for trial `number`.

        A random one where none of the first few is, and one that was tried where there is no other; None where others
        are left but none with the `fixed` values. Raises `SearchSpaceError` where 10,000 random ones break the rules.
        """
        draw = random.Random(derive(self._seed, "rules", number))  # noqa: S311 - no secret
        self._is_drawn = False
        left = self._left(number, fixed)
        if left == [] and fixed and self._left(number, {}):
            return None
        for attempt in range(_TRIES_FOR_RULES if self._space.rules else _TRIES_FOR_NEW):
            config, self._rejected = propose(attempt), attempt
            if not self._space.broken_rules(config) and (left == [] or self._is_new(config, number)):
                return config
        self._rejected, self._is_drawn = self._rejected + 1, True
        return draw.choice(left) if left else self._drawn(number, fixed, draw)

    def origin(self, kind: OriginKind, observations: int | None = None) -> Origin:
        """Return how the last chosen configuration came about, which was proposed in this way."""
        return Origin(kind=kind, observations=observations, rejected=self._rejected, is_drawn=self._is_drawn)

    def _drawn(self, number: int, fixed: FixedParams, draw: random.Random) -> Config:
        """Return a random configuration that meets the rules, a new one where there is any among so many."""
        repeated = None
        for _ in range(_RANDOM_TRIES):
            config = self._space.build(lambda path, each: fixed[path] if path in fixed else each.at(draw.random()))
            if self._space.broken_rules(config):
                continue
            if self._is_new(config, number):
                return config
            repeated = repeated or config
        if repeated is not None:
            return repeated
        reasons = ", ".join(repr(rule.reason) for rule in self._space.rules)
        raise SearchSpaceError(f"none of {_RANDOM_TRIES} random configurations meets the rules {reasons}")

    def _left(self, number: int, fixed: FixedParams) -> list[Config] | None:
        """Return the configurations with the values in `fixed` that were not tried; None where there are too many."""
        if self._listed is None:
            return None
        wanted = frozenset(fixed.items())
        return [
            config for key, config in self._listed.items() if wanted <= key and self._tried.get(key, number) >= number
        ]

    @cached_property
    def _listed(self) -> dict[_Key, Config] | None:
        configs = self._space.every(_FEW)
        return None if configs is None else {self._key(config): config for config in configs}

    def _is_new(self, config: Config, number: int) -> bool:
        return self._tried.get(self._key(config), number) >= number

    def _key(self, config: Config) -> _Key:
        return frozenset(self._space.flatten(config).items())
