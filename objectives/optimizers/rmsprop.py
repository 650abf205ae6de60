"""Gradients divided by their recent size (Tieleman and Hinton, 2012)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from objectives.optimizers._optimizer import Optimizer

__all__ = ["RMSprop"]


@final
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Scales each weight's step by a running mean of its squared gradients."""

    lr: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
