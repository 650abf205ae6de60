"""Models whole learning curves with a Gaussian process: for any space, and with trials that are stopped early."""

from collections.abc import Callable
from functools import cache
from typing import final

import numpy as np
from threadpoolctl import ThreadpoolController

from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord
from tuner.samplers._encoding import Matrix, SpaceEncoding, Vector
from tuner.samplers._front_gain import FrontGain, WeightedDistance
from tuner.samplers._gaussian_process import Kernel, Posterior, fitted
from tuner.samplers._observations import Observations, Observed
from tuner.samplers._proposals import Proposals

__all__ = ["GaussianProcess"]

_RANDOM = 300
"""How many candidates come from the whole space."""

_BEST = 10
_NEAR_EACH = 30
"""How many candidates lie near each of the best trials."""

_SHIFTS = (-2.0, -0.5)
"""Candidates near a trial are shifted by a standard deviation of 10 to this power, drawn for each."""

_CLIMBS = ((-1.5, -0.7), *2 * [(-2.0, -1.0)], *2 * [(-2.5, -1.5)], (-3.0, -2.0))
_CLIMBS_OF_SEVERAL = ((-2.0, -1.0), (-2.5, -1.5), (-3.0, -2.0))
"""The shifts of each round in which the highest points of a drawn function are looked for. With several metrics more
rounds would find more of one corner, and so a smaller front."""

_SPREAD = 0.3
"""How far a drawn function is from the posterior's mean, as a share of how far a fair draw is: with some hundred trials
in many dimensions the latter is mostly highest where nothing is known. With several metrics it is the whole."""

_HIGHEST = 5
"""How many of the highest points the next round looks near."""

_REPLACED = 0.2
"""How much more rarely an option is replaced than a number is shifted."""

_MOST_FITTED = 100
"""Length scales are fitted to so many rows."""

_MOST_ROWS = 300
"""The posterior knows so many rows, the better half of which are the best: time grows with the cube of them."""


@final
class GaussianProcess(Sampler):
    """Bayesian optimisation with a Gaussian process over configurations and how far they were trained.

    It learns from every report: each trial at several epochs of its curve, whether it is running, was stopped or is
    complete. It predicts what a configuration reaches when it is trained to the end (Klein et al. 2020, "Model-based
    Asynchronous Hyperparameter and Neural Architecture Search"). A proposal maximises a function drawn from the process
    (Kandasamy et al. 2018, "Parallelised Bayesian Optimisation via Thompson Sampling"), so that parallel proposals
    differ by themselves; with one metric it is drawn nearer to the mean. Several metrics have a process each. Of the
    functions drawn from them a proposal maximises what the front gains in hypervolume (Bradford et al. 2018, "Efficient
    multiobjective optimization employing Gaussian processes, spectral sampling and a genetic algorithm") or, in one of
    as many proposals as there are metrics, their weighted Chebyshev norm, which also finds what a front of few trials
    does not show. Parameters of branches that are not chosen do not count. The first `startup_trials` are random.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, *, startup_trials: int = 8) -> None:
        if startup_trials < 2:  # noqa: PLR2004
            raise ConfigurationError(f"sampler.startup_trials: {startup_trials} is below 2")
        self._startup_trials = startup_trials
        self._seed = seed
        self._proposals = Proposals(space, seed)
        self._encoding = SpaceEncoding(space)
        self._observations = Observations(self._encoding, goal)
        self._metrics = len(goal.metrics)
        self._fitted: tuple[Observed, tuple[Kernel, ...]] | None = None
        self._is_choice = np.array([isinstance(each, Choice) for each in space.parameters.values()])

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        points = cache(lambda: self._points(number, fixed))
        # Matrices are small: threads would cost more than they gain, a multiple of it where workers train beside them.
        with _libraries().limit(limits=1):
            return self._proposals.choose(
                number, fixed, lambda attempt: self._encoding.config(points()[attempt], fixed)
            )

    def observe(self, trial: TrialRecord) -> None:
        self._proposals.observe(trial)
        self._observations.observe(trial)

    def origin(self, number: int) -> Origin:
        count = self._observations.count
        return self._proposals.origin(OriginKind.STARTUP if count < self._startup_trials else OriginKind.MODEL, count)

    def _points(self, number: int, fixed: FixedParams) -> Matrix:
        """Return points to propose, the best first."""
        generator = np.random.default_rng(derive(self._seed, "gp", number))
        known = self._encoding.point(fixed)
        if self._observations.count < self._startup_trials:
            return _with(generator.random((_RANDOM, len(known))), known)
        weights = generator.dirichlet(np.ones(self._metrics))
        observed = _few(self._observations.all(weights), _MOST_ROWS, generator)
        height = self._drawn(observed, weights, generator)
        near = np.repeat(self._observations.best(_BEST, weights), _NEAR_EACH, axis=0)
        points = np.concatenate([generator.random((_RANDOM, len(known))), self._near(near, _SHIFTS, generator)])
        return self._climbed(_with(points, known), known, height, generator)

    def _drawn(self, observed: Observed, weights: Vector, generator: np.random.Generator) -> Callable[[Matrix], Vector]:
        """Return a function, drawn from what is known, that a proposal maximises; it takes rows of features."""
        features = self._features(observed.points, observed.depths)
        kernels = self._kernels(observed, generator)
        posteriors = [
            Posterior(kernel, features, scores) for kernel, scores in zip(kernels, observed.scores.T, strict=True)
        ]
        spread = _SPREAD if self._metrics == 1 else 1.0
        drawn = [each.draw(generator, spread) for each in posteriors]
        if len(drawn) == 1:
            return drawn[0]
        is_distance, scores = generator.random() < 1 / self._metrics, observed.scores
        merit = WeightedDistance(scores, weights) if is_distance else FrontGain(scores, generator)
        return lambda rows: merit.by(np.column_stack([each(rows) for each in drawn]))

    def _climbed(
        self, points: Matrix, fixed: Vector, height: Callable[[Matrix], Vector], generator: np.random.Generator
    ) -> Matrix:
        """Return the points, and others near the highest ones, the highest first."""
        heights = height(self._features(points, np.ones(len(points))))
        for shifts in _CLIMBS if self._metrics == 1 else _CLIMBS_OF_SEVERAL:
            top = points[np.argsort(-heights)[:_HIGHEST]]
            near = _with(self._near(np.repeat(top, _NEAR_EACH, axis=0), shifts, generator), fixed)
            points = np.concatenate([points, near])
            heights = np.concatenate([heights, height(self._features(near, np.ones(len(near))))])
        ordered: Matrix = points[np.argsort(-heights)]
        return ordered

    def _kernels(self, observed: Observed, generator: np.random.Generator) -> tuple[Kernel, ...]:
        """Return the kernel of each metric, fitted to these rows; trials proposed between two reports share one fit."""
        some = _few(observed, _MOST_FITTED, generator)
        if self._fitted is None or not some.equals(self._fitted[0]):
            groups = np.append(self._encoding.groups, len(self._encoding.paths))
            features = self._features(some.points, some.depths)
            self._fitted = some, tuple(fitted(features, scores, groups) for scores in some.scores.T)
        return self._fitted[1]

    def _features(self, points: Matrix, depths: Vector) -> Matrix:
        return np.column_stack([self._encoding.features(points), depths])

    def _near(self, points: Matrix, shifts: tuple[float, float], generator: np.random.Generator) -> Matrix:
        """Return points near these: some numbers are shifted, fewer options replaced, and what is absent is drawn."""
        count, parameters = points.shape
        shares = np.maximum(min(1.0, 2.0 / parameters), generator.random((count, 1)))
        chances = shares * np.where(self._is_choice, _REPLACED, 1.0)
        scales = 10.0 ** generator.uniform(*shifts, (count, 1))
        shifted = np.clip(points + scales * generator.standard_normal(points.shape), 0.0, 1.0)
        anew = generator.random(points.shape)
        moved = np.where(self._is_choice, anew, shifted)
        near = np.where(generator.random(points.shape) < chances, moved, points)
        return np.where(np.isnan(near), anew, near)


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _with(points: Matrix, fixed: Vector) -> Matrix:
    """Return the points with the coordinates that are fixed."""
    return np.where(np.isnan(fixed), points, fixed)


def _few(observed: Observed, most: int, generator: np.random.Generator) -> Observed:
    """Return at most so many rows: the best ones, and of the others as many that are drawn."""
    count = len(observed.merits)
    if count <= most:
        return observed
    order = np.argsort(-observed.merits, kind="stable")
    drawn = generator.choice(order[most // 2 :], most - most // 2, replace=False)
    kept = np.sort(np.concatenate([order[: most // 2], drawn]))
    return Observed(observed.points[kept], observed.depths[kept], observed.scores[kept], observed.merits[kept])
