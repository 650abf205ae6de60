"""Adapts a normal distribution towards better values: only for spaces of numbers."""

import math
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.number import Float, Int
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers._proposals import Proposals

__all__ = ["CMAES"]

_LEAST_POPULATION = 4
"""Half of a generation moves the distribution: of fewer, a single trial would."""

_SIGMA = 1 / 6
"""The first standard deviation, as a share of each range (Hansen 2016, section 2 of the appendix: a range's third)."""


@final
class CMAES(Sampler):
    """Covariance matrix adaptation (Hansen 2016, "The CMA Evolution Strategy: A Tutorial"), over the unit cube.

    Finished trials, in the order of their numbers, make the generations of `population` trials (0: 4 + 3 ln d); trials
    that failed count as the worst of theirs. Those that break a constraint count as worse than all that meet it, the
    more the further they are from meeting it (Deb 2000, "An efficient constraint handling method for genetic
    algorithms"). Nothing is stored: a new optimizer is given all generations again.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, population: int = 0) -> None:
        if population < 0 or 0 < population < _LEAST_POPULATION:
            raise ConfigurationError(
                f"sampler.population: {population} is neither 0 (automatic) nor at least {_LEAST_POPULATION}"
            )
        self._space = space
        self._goal = goal
        self._seed = seed
        self._proposals = Proposals(space, seed)
        self._ranges = {path: each for path, each in space.parameters.items() if isinstance(each, Float | Int)}
        self._population = population or 4 + math.floor(3 * math.log(len(self._ranges)))
        self._finished: dict[int, TrialRecord] = {}

    @classmethod
    def problems(cls, space: SearchSpace, goal: Goal, *, stops_early: bool) -> Iterator[str]:
        choices = [path for path, each in space.parameters.items() if isinstance(each, Choice)]
        if choices:
            yield f"it searches only numbers, and these are choices: {', '.join(choices)}; use the sampler tpe"
        elif len(space) < 2:  # noqa: PLR2004 - one number has no covariance
            yield "it needs at least two parameters; use the sampler tpe"
        if goal.has_several:
            yield "it adapts to a single metric, and the study has several; use the sampler tpe"

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        return self._proposals.choose(number, fixed, lambda each: self._propose(number, each, fixed))

    def observe(self, trial: TrialRecord) -> None:
        self._proposals.observe(trial)
        if trial.state.is_finished:
            self._finished[trial.number] = trial

    def origin(self, number: int) -> Origin:
        observed = len(self._finished) // self._population * self._population
        return self._proposals.origin(OriginKind.MODEL if observed else OriginKind.STARTUP, observed)

    def _propose(self, number: int, attempt: int, fixed: FixedParams) -> Config:
        point = self._optimizer(derive(self._seed, "cma", number, attempt)).ask()
        return self._space.at(dict(zip(self._ranges, map(float, point), strict=True)), fixed)

    def _optimizer(self, seed: int) -> CMA:
        """Return an optimizer that knows every complete generation, and draws from `seed`."""
        dimensions = len(self._ranges)
        optimizer = CMA(
            mean=np.full(dimensions, 0.5),
            sigma=_SIGMA,
            bounds=np.tile([0.0, 1.0], (dimensions, 1)),
            seed=seed,
            population_size=self._population,
        )
        trials = [self._finished[number] for number in sorted(self._finished)]
        for begin in range(0, len(trials) - self._population + 1, self._population):
            optimizer.tell(self._solutions(trials[begin : begin + self._population]))
        return optimizer

    def _solutions(self, generation: Sequence[TrialRecord]) -> list[tuple[NDArray[np.float64], float]]:
        """Return (point, loss) of each trial; what failed has the generation's worst loss."""
        beyond = [self._goal.excess(trial.metrics) for trial in generation]
        meeting = [self._loss(trial) for trial, excess in zip(generation, beyond, strict=True) if not excess]
        bound = max((loss for loss in meeting if loss is not None), default=0.0)
        losses = [
            bound + excess if excess else self._loss(trial) for trial, excess in zip(generation, beyond, strict=True)
        ]
        worst = max((loss for loss in losses if loss is not None), default=0.0)
        return [
            (self._point(trial), worst if loss is None else loss)
            for trial, loss in zip(generation, losses, strict=True)
        ]

    def _loss(self, trial: TrialRecord) -> float | None:
        if trial.value is None or trial.state is TrialState.FAIL:
            return None
        return -self._goal.direction.sign * trial.value

    def _point(self, trial: TrialRecord) -> NDArray[np.float64]:
        values = self._space.flatten(trial.config)
        return np.array([each.quantile(float(values[path])) for path, each in self._ranges.items()])  # type: ignore[arg-type]
