"""A column for every level: 1 where a row has it, else 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._encoding import Encoding

__all__ = ["OneHot"]


@final
@dataclass(frozen=True)
class OneHot(Encoding):
    """One-hot columns; a level that the training split does not have is 0 in all of them."""

    def columns(self, codes: NDArray[np.intp], sizes: Sequence[int]) -> Array:
        parts = [np.eye(size, dtype=np.float32)[column][:, 1:] for column, size in zip(codes.T, sizes, strict=True)]
        return np.concatenate(parts, axis=1)

    def width(self, sizes: Sequence[int]) -> int:
        return sum(size - 1 for size in sizes)
