"""Layers of a frozen model that compute for many rows at once, each row with adapters of its own.

The rows' examples lie one behind the other in one batch, so the frozen weights are read once for all of them, and no
`vmap` is needed: a row on its own is computed by the same lines.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives.architectures._layers import dropped_out


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """The adapters of one layer: `down` (rows, rank, inputs), `up` (rows, outputs, rank), `gain` (rows, rank).

    `share` (rows,) is what is left out of the inputs; None for nothing.
    """

    down: Tensor
    up: Tensor
    gain: Tensor
    share: Tensor | None


@final
class LowRankLayer(nn.Module):
    """A frozen linear layer, whatever its class, with the adapters that it is given for one forward pass."""

    def __init__(self, inner: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inner = inner
        self.inputs, self.outputs = inputs, outputs
        self.factors: Factors | None = None

    def forward(self, activations: Tensor) -> Tensor:
        """Return (rows * batch, ..., outputs) for (rows * batch, ..., inputs), or the same with all but one folded."""
        found: Tensor = self.inner(activations)
        factors = self.factors
        if factors is None:
            return found
        seen = activations.reshape(len(factors.gain), -1, self.inputs)
        if factors.share is not None:
            seen = dropped_out(seen, factors.share[:, None, None])
        low = torch.bmm(seen, factors.down.mT) * factors.gain[:, None]
        own = found.reshape(len(factors.gain), -1, self.outputs)
        return torch.baddbmm(own, low, factors.up.mT).view(found.shape)


@final
class OwnLinear(nn.Module):
    """A linear layer that is trained, of which each row has its own weights: that of a classifier's head."""

    def __init__(self, inner: nn.Linear) -> None:
        super().__init__()
        self.inputs, self.outputs = inner.in_features, inner.out_features
        self.has_bias = inner.bias is not None
        self.weight: Tensor | None = None
        """(rows, outputs, inputs)"""
        self.bias: Tensor | None = None
        """(rows, outputs)"""

    def forward(self, activations: Tensor) -> Tensor:
        """Return (rows * batch, ..., outputs) for (rows * batch, ..., inputs)."""
        assert self.weight is not None
        seen = activations.reshape(len(self.weight), -1, self.inputs)
        found = torch.bmm(seen, self.weight.mT) if self.bias is None else self._with_bias(seen, self.weight, self.bias)
        return found.view(*activations.shape[:-1], self.outputs)

    @staticmethod
    def _with_bias(seen: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.baddbmm(bias[:, None], seen, weight.mT)
