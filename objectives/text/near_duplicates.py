"""Near duplicates: documents that share most of their text, found by MinHash (Broder, 1997).

A document's shingles, all runs of some bytes, are hashed once; the smallest hash in each of some bins is its
signature (one permutation hashing, Li, Owen and Zhang, 2012). Where two signatures agree, the share of bins estimates
how much two documents have in common. Only those that agree in a whole band of bins are compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Signature = NDArray[np.uint64]

BINS = 64
_BAND = 4
_SHINGLE = 12
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_MOST = 1 << 22
"""A longer document is known by its beginning: memory is bounded."""


def signature(text: bytes) -> Signature:
    """Return the signature of a document, (BINS,); a bin without a hash has that of the next one that has."""
    given = np.frombuffer(text[:_MOST].ljust(_SHINGLE), dtype=np.uint8).astype(np.uint64)
    count = len(given) - _SHINGLE + 1
    hashes = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for place in range(_SHINGLE):
            hashes = hashes * _BASE + given[place : place + count] + np.uint64(1)
        for shift, factor in zip((30, 27), _MIX, strict=True):
            hashes = (hashes ^ (hashes >> np.uint64(shift))) * factor
    hashes.sort()
    begins = np.arange(BINS, dtype=np.uint64) << np.uint64(64 - BINS.bit_length() + 1)
    return hashes[np.searchsorted(hashes, begins) % count]


def groups(signatures: Signature, same: Sequence[str], threshold: float) -> NDArray[np.int64]:
    """Return a number for each document, (documents,), equal where they are near duplicates of each other.

    That number is the first such document's. `same` are hashes of documents, which join exact duplicates; near ones
    agree in a share of at least `threshold`, where 0 joins exact ones only.
    """
    parents = np.arange(len(signatures))
    first_of: dict[str, int] = {}
    for document, each in enumerate(same):
        _join(parents, first_of.setdefault(each, document), document)
    for begin in range(0, BINS if threshold > 0 else 0, _BAND):
        first: dict[bytes, int] = {}
        for document, band in enumerate(np.ascontiguousarray(signatures[:, begin : begin + _BAND])):
            other = first.setdefault(band.tobytes(), document)
            if other != document and (signatures[document] == signatures[other]).mean() >= threshold:
                _join(parents, other, document)
    return np.array([_root(parents, document) for document in range(len(parents))], dtype=np.int64)


def _root(parents: NDArray[np.int64], document: int) -> int:
    while parents[document] != document:
        parents[document] = parents[parents[document]]
        document = int(parents[document])
    return document


def _join(parents: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first
