"""Gradient descent with momentum."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from objectives.optimizers._optimizer import Optimizer

__all__ = ["SGD"]


@final
@dataclass(frozen=True)
class SGD(Optimizer):
    """Steps along a running sum of gradients; `nesterov` looks a step ahead where there is momentum."""

    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters,
            fused=True,
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0,
            weight_decay=self.weight_decay,
        )
