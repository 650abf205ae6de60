"""Proposals that meet the rules of the search space."""

import random
from collections.abc import Callable

from tuner.domain.config import Config
from tuner.domain.errors import SearchSpaceError
from tuner.domain.sampler import Held
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive

_TRIES = 50
_RANDOM_TRIES = 10_000


def meeting_rules(space: SearchSpace, seed: int, number: int, held: Held, propose: Callable[[int], Config]) -> Config:
    """Return the first of `propose(0)`, `propose(1)`, ... that meets the rules, a random one where none of 50 does.

    A random one has the values in `held` too. Raises `SearchSpaceError` where 10,000 random ones break the rules.
    """
    for attempt in range(_TRIES if space.rules else 1):
        config = propose(attempt)
        if not space.broken_rules(config):
            return config
    draw = random.Random(derive(seed, "rules", number))  # noqa: S311 - no secret
    for _ in range(_RANDOM_TRIES):
        config = space.build(lambda path, each: held[path] if path in held else each.at(draw.random()))
        if not space.broken_rules(config):
            return config
    reasons = ", ".join(repr(rule.reason) for rule in space.rules)
    raise SearchSpaceError(f"none of {_RANDOM_TRIES} random configurations meets the rules {reasons}")
