"""Splits that keep rows of one group together, or rows in the order of time: the part of each row."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tuner.objectives.datasets._dataset import Array

TRAIN, VALIDATION, TEST = range(3)
PARTS = 3

Parts = NDArray[np.int64]


def parts_by_time(times: Array, shares: Mapping[int, float]) -> Parts:
    """Return the part of each row, of which `shares` says how many validate and test: the latest test.

    Rows of one time are in one part. There are at least as many different times as parts with a share.
    """
    distinct, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    until = np.cumsum(counts)
    tested, validated = shares[TEST] * len(times), shares[VALIDATION] * len(times)
    last = _nearest(until, len(times) - tested, 2, len(distinct) - 1) if tested else len(distinct)
    first = _nearest(until, len(times) - tested - validated, 1, last - 1)
    return np.select([place < first, place < last], [TRAIN, VALIDATION], TEST).astype(np.int64)


def _nearest(until: Array, rows: float, least: int, most: int) -> int:
    """Return how many times, from `least` to `most`, have together about so many rows."""
    return least + int(np.abs(until[least - 1 : most] - rows).argmin())


def parts_by_group(groups: Array, strata: Array, shares: Mapping[int, float], order: Array) -> Parts:
    """Return the part of each row: all rows of a group are in one, and each stratum has about its share of each.

    Groups are placed one by one, the largest first and those of one size in the `order` of their rows, each where the
    shares are then nearest to those asked for (as scikit-learn's StratifiedGroupKFold does for equal shares). `groups`
    and `strata` are numbers from 0; there are at least as many groups as parts with a share.
    """
    counts = np.zeros((int(groups.max()) + 1, int(strata.max()) + 1))
    np.add.at(counts, (groups, strata), 1)
    counts /= np.maximum(counts.sum(axis=0), 1)
    sizes = np.bincount(groups)
    _, first = np.unique(groups[order], return_index=True)
    placing = np.lexsort((first, -sizes))
    wanted = np.array([1 - sum(shares.values()), shares[VALIDATION], shares[TEST]])
    open_parts = np.flatnonzero(wanted > 0)
    have, part_of = np.zeros((PARTS, counts.shape[1])), np.empty(len(sizes), dtype=np.int64)
    empty = set(open_parts.tolist())
    for left, group in zip(range(len(placing), 0, -1), placing, strict=True):
        candidates = sorted(empty) if left <= len(empty) else open_parts
        # What adding a group to a part changes in the sum of squared differences between shares had and wanted.
        gaps = have[candidates] - wanted[candidates, None]
        part = int(candidates[int((2 * gaps @ counts[group]).argmin())])
        have[part] += counts[group]
        part_of[group] = part
        empty.discard(part)
    return np.asarray(part_of[groups])
