"""How far a number lies in each of several ranges, which have as many training rows each."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from torch import nn

from tuner.objectives.architectures._layers import PiecewiseLinear
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._number_encoding import NumberEncoding

__all__ = ["PiecewiseLinearEncoding"]


@final
@dataclass(frozen=True)
class PiecewiseLinearEncoding(NumberEncoding):
    """Piecewise-linear encoding by quantiles (Y. Gorishniy et al., On Embeddings for Numerical Features, 2022).

    A network's first layer makes any piecewise-linear function of a number of it, with a knot at each of `bins` - 1
    quantiles. The number itself stays beside them: beyond the outer ranges they stand still.
    """

    looks_at_training: ClassVar[bool] = True

    bins: int = 16

    def layer(self, numbers: int, train: Array | None) -> nn.Module | None:
        if not numbers:
            return None
        edges = torch.zeros(numbers, self.bins + 1)
        if train is not None:
            shares = np.linspace(0, 1, self.bins + 1)
            edges = torch.from_numpy(np.quantile(train, shares, axis=0).T.astype(np.float32))
        return PiecewiseLinear(edges)

    def width(self, numbers: int) -> int:
        return numbers * self.bins
