"""A vector for every level, learnt with the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tuner.objectives.architectures._layers import Embedded
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._encoding import Encoding

__all__ = ["Embedding"]


@final
@dataclass(frozen=True)
class Embedding(Encoding):
    """Vectors of `dimension` numbers; a level that the training split does not have is the vector of zeros."""

    dimension: int = 4

    def columns(self, codes: NDArray[np.intp], sizes: Sequence[int]) -> Array:
        # All categories have one table, in which each begins where the one before ends.
        return (codes + _begins(sizes)).astype(np.float32)

    def layer(self, numbers: int, sizes: Sequence[int]) -> nn.Module | None:
        unseen = [int(begin) for begin in _begins(sizes)]
        return Embedded(numbers=numbers, codes=sum(sizes), dimension=self.dimension, empty=unseen)

    def width(self, sizes: Sequence[int]) -> int:
        return len(sizes) * self.dimension


def _begins(sizes: Sequence[int]) -> NDArray[np.intp]:
    return np.cumsum([0, *sizes[:-1]])
