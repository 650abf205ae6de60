"""Several metrics put into one number: what a front would gain by another trial, and a weighted norm."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.samplers._encoding import Matrix, Vector

_DIRECTIONS = 200
"""In so many directions it is measured how far a front reaches."""

_MARGIN = 0.1
"""How far beyond the worst of the front in each metric the hypervolume begins, as a share of the front's extent."""

_GAP = 1e-3
"""The weight of how far a row is behind the front: it orders those that gain nothing."""

_SUM = 0.05
"""The weight of the sum beside that of the worst metric, as Knowles has it."""


@final
class FrontGain:
    """How much the hypervolume of the front among `scores` (rows of metrics, more is better) gains by one more row.

    The hypervolume is the mean, over directions, of a power of how far the front reaches in that direction (Zhang and
    Golovin 2020, "Random Hypervolume Scalarizations for Provable Multi-Objective Black Box Optimization"), whatever the
    number of metrics. `generator` draws the directions.
    """

    def __init__(self, scores: Matrix, generator: np.random.Generator) -> None:
        front = scores[_is_on_front(scores)]
        self._extent = _or_one(np.ptp(front, axis=0))
        self._beginning = front.min(0) - _MARGIN * self._extent
        directions = np.abs(generator.standard_normal((_DIRECTIONS, scores.shape[1])))
        self._directions = np.maximum(directions / np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
        self._reached = self._reaches(front).max(0)

    def by(self, scores: Matrix) -> Vector:
        """Return the gain by each row; those that gain nothing are below 0, the further behind the front the lower."""
        reaches = self._reaches(scores)
        metrics = scores.shape[1]
        gains = np.maximum(reaches, self._reached) ** metrics - self._reached**metrics
        behind = np.minimum((reaches - self._reached).max(1), 0.0)
        gain: Vector = gains.mean(1) + _GAP * behind
        return gain

    def _reaches(self, scores: Matrix) -> Matrix:
        """Return how far each row reaches in each direction; below 0 where it is worse than where it begins."""
        beyond = (scores - self._beginning) / self._extent
        reaches: Matrix = (beyond[:, None, :] / self._directions[None]).min(2)
        return reaches


@final
class WeightedDistance:
    """How near a row is to the best of each metric among `scores`: the augmented Chebyshev norm, turned to a merit.

    Knowles 2006, "ParEGO", has it. Distances are shares of how far the front among the scores extends.
    """

    def __init__(self, scores: Matrix, weights: Vector) -> None:
        self._best = scores.max(0)
        self._extent = _or_one(self._best - scores[_is_on_front(scores)].min(0))
        self._weights = weights

    def by(self, scores: Matrix) -> Vector:
        """Return the merit of each row; a higher one is better."""
        losses = (self._best - scores) / self._extent * self._weights
        merits: Vector = -(losses.max(1) + _SUM * losses.sum(1))
        return merits


def _is_on_front(scores: Matrix) -> NDArray[np.bool_]:
    """Return which rows no other row is better than in one metric and worse in none."""
    at_least = np.all(scores[:, None, :] >= scores[None, :, :], axis=2)
    is_beaten: NDArray[np.bool_] = np.any(at_least & ~at_least.T, axis=0)
    return ~is_beaten


def _or_one(extent: Vector) -> Vector:
    """Return the extents, 1 for those that are 0."""
    known: Vector = np.where(extent > 0, extent, 1.0)
    return known
