"""The port of an encoding of categories, and the levels that the training split knows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tuner.objectives.datasets._dataset import Array

_GAP = -2.0
"""Stands for NaN where levels are looked up; -1 is a level that the data never had."""


class Encoding(ABC):
    """How categories are given to a model.

    A category's code is 0 for a level that the training split does not have, else from 1 to its size - 1; a gap is a
    level like any other.
    """

    @abstractmethod
    def columns(self, codes: NDArray[np.intp], sizes: Sequence[int]) -> Array:
        """Return what stands in the features for codes (rows, categories): numbers (rows, columns)."""

    def layer(self, numbers: int, sizes: Sequence[int]) -> nn.Module | None:
        """Return the layer that reads features, so many numbers and then the columns; None where none is needed."""
        return None

    @abstractmethod
    def width(self, sizes: Sequence[int]) -> int:
        """Return how many numbers an architecture gets for all categories."""


@final
class Levels:
    """The levels of categories that a training split has, each with a code; `known` has an array of each category's."""

    def __init__(self, known: Sequence[Array]) -> None:
        self.known = tuple(known)

    @staticmethod
    def of(train: Array) -> "Levels":
        """Return the levels in the rows of a training split, (rows, categories)."""
        return Levels([np.unique(column) for column in _keyed(train).T])

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each category has."""
        return tuple(len(known) + 1 for known in self.known)

    def codes(self, rows: Array) -> NDArray[np.intp]:
        """Return the codes of rows, (rows, categories)."""
        found = np.zeros(rows.shape, dtype=np.intp)
        for column, (known, values) in enumerate(zip(self.known, _keyed(rows).T, strict=True)):
            places = known.searchsorted(values).clip(max=len(known) - 1)
            found[:, column] = np.where((known[places] == values) & (values != -1), places + 1, 0)
        return found


def _keyed(rows: Array) -> Array:
    return np.where(np.isnan(rows), _GAP, rows)
