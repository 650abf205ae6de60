"""Searches with the sampler that was best where both were measured: the default, for any space."""

from typing import final

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_HELD, Held, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord
from tuner.samplers.gp import GaussianProcess
from tuner.samplers.tpe import TPE

__all__ = ["Auto"]

_MOST_MODELLED = 1_000
"""From so many trials on TPE proposes: the process learns from a few hundred rows, however many there are."""

_MOST_PARAMETERS = 60
"""With more parameters the fit takes longer than a proposal may: 100 ms."""


@final
class Auto(Sampler):
    """Searches with a Gaussian process (`gp`) up to trial 1,000 and with `tpe` from there on.

    It is `tpe` from the start with several metrics, and in spaces of more than 60 parameters. Decision 0031 has what
    was measured.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int) -> None:
        self._later = TPE(space, goal, seed)
        is_modelled = not goal.has_several and len(space) <= _MOST_PARAMETERS
        self._first: Sampler = GaussianProcess(space, goal, seed) if is_modelled else self._later

    def suggest(self, number: int, held: Held = NOTHING_HELD) -> Config | None:
        return (self._first if number < _MOST_MODELLED else self._later).suggest(number, held)

    def observe(self, trial: TrialRecord) -> None:
        self._later.observe(trial)
        if self._first is not self._later:
            self._first.observe(trial)
