"""The port of what proposes configurations."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from tuner.domain.config import Config, Scalar
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord

FixedParams = Mapping[str, Scalar]
"""Values, by the paths of their parameters, that a proposal is to have."""

NOTHING_FIXED: FixedParams = MappingProxyType({})


class Sampler(ABC):
    """Proposes configurations from the trials that it has observed.

    Nothing of a sampler is stored: given the same trials it proposes the same configuration for a trial number, however
    often the study was interrupted. So its randomness comes from (seed, number) and from nothing else. The options
    that a study file may give are the keyword-only arguments of a member's `__init__`, with their defaults.
    """

    needs_complete_trials: ClassVar[bool] = False
    """Whether it learns only from complete trials: then one that breaks a constraint is not stopped because of it."""

    @abstractmethod
    def __init__(self, space: SearchSpace, goal: Goal, seed: int) -> None:
        """Search `space` for what is best by `goal`."""

    @classmethod
    def problems(cls, space: SearchSpace, goal: Goal, *, stops_early: bool) -> Iterator[str]:
        """Yield why it cannot search `space` for `goal`, or would learn nothing when most trials are stopped early."""
        yield from ()

    @property
    def most_proposals(self) -> float:
        """How many configurations it proposes before it ends the study; infinity where it never ends."""
        return math.inf

    @abstractmethod
    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        """Return the configuration of trial `number`, or None when there is nothing left to try.

        The configuration meets the space's rules, and its parameters in `fixed` have the values there: it is to be
        trained together with others that have them too. It is one that no trial of a lower number has, as long as there
        is any. Trial 0 is never asked for: it is the default configuration.
        """

    @abstractmethod
    def observe(self, trial: TrialRecord) -> None:
        """Record a trial as it now is: called when it starts, after each report and when it ends."""

    def origin(self, number: int) -> Origin:
        """Return how the configuration came about that was last suggested, for trial `number`.

        Asked right after `suggest`, before anything more is observed; one that does not override it does not say.
        """
        return Origin(kind=OriginKind.SAMPLER)
