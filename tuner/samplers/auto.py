"""Searches with the sampler that was best where both were measured: the default, for any space."""

from dataclasses import replace
from typing import final

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
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

    It is `tpe` from the start in spaces of more than 60 parameters. Decisions 0031 and 0057 have what was measured.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int) -> None:
        self._space = space
        self._goal = goal
        self._seed = seed
        self._records: dict[int, TrialRecord] = {}
        is_modelled = len(space) <= _MOST_PARAMETERS
        self._first: Sampler = (GaussianProcess if is_modelled else TPE)(space, goal, seed)
        self._later: Sampler | None = None

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return self._proposing(number).suggest(number, fixed)

    def observe(self, trial: TrialRecord) -> None:
        self._records[trial.number] = trial
        self._first.observe(trial)
        if self._later is not None:
            self._later.observe(trial)

    def origin(self, number: int) -> Origin:
        sampler = self._proposing(number)
        return replace(sampler.origin(number), sampler="tpe" if isinstance(sampler, TPE) else "gp")

    def _proposing(self, number: int) -> Sampler:
        """Return the sampler that proposes trial `number`; the later one learns of no report before it is needed."""
        if number < _MOST_MODELLED or isinstance(self._first, TPE):
            return self._first
        if self._later is None:
            self._later = TPE(self._space, self._goal, self._seed)
            for record in self._records.values():
                self._later.observe(record)
        return self._later
