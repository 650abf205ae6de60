"""Places of trials by several metrics at once: front after front, and within a front those that cover it best."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Merits = tuple[float, ...]
"""The metrics of a trial, each turned so that more is better."""


def place(merits: Sequence[Merits], index: int) -> tuple[int, int]:
    """Return how many trials come before the one at `index`, and the number of its front, from 0.

    A front are the trials that no other is better than in one metric and worse in none, once the fronts before it are
    left out. Within a front the best in the first metric comes first, then always the one that is furthest from those
    before it: few trials cover the whole front (Schmucker et al. 2021, "Multi-objective Asynchronous Successive
    Halving", their epsilon-net). Equals have the same place.
    """
    distinct, first, copies = np.unique(np.array(merits), axis=0, return_inverse=True, return_counts=True)
    own = int(np.ravel(first)[index])
    before, front = 0, 0
    for front, members in enumerate(_fronts(distinct)):
        if own in members:
            ahead = _covering(distinct, members, own)
            return before + int(copies[ahead].sum()), front
        before += int(copies[members].sum())
    raise AssertionError("every trial is in a front")


def _fronts(points: NDArray[np.float64]) -> "list[NDArray[np.intp]]":
    """Return the indices of the points of each front, the first first; points differ."""
    at_least: NDArray[np.bool_] = np.all(points[:, None, :] >= points[None, :, :], axis=2)
    np.fill_diagonal(at_least, val=False)
    better_ones = at_least.sum(0)
    fronts = []
    left = np.ones(len(points), dtype=bool)
    while left.any():
        front = np.flatnonzero(left & (better_ones == 0))
        fronts.append(front)
        left[front] = False
        better_ones = better_ones - at_least[front].sum(0)
    return fronts


def _covering(points: NDArray[np.float64], members: NDArray[np.intp], own: int) -> list[int]:
    """Return the members of a front that come before its member `own`."""
    spread = points[members].max(0) - points[members].min(0)
    scaled = points[members] / np.where(spread > 0, spread, 1.0)
    chosen = int(np.argmax(points[members][:, 0]))
    distances = np.full(len(members), np.inf)
    ahead: list[int] = []
    while members[chosen] != own:
        ahead.append(int(members[chosen]))
        distances = np.minimum(distances, np.linalg.norm(scaled - scaled[chosen], axis=1))
        distances[np.isin(members, ahead)] = -np.inf
        chosen = int(np.argmax(distances))
    return ahead
