"""Steps that shrink as gradients add up (Duchi et al., 2011)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from objectives.optimizers._optimizer import Optimizer

__all__ = ["Adagrad"]


@final
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Scales each weight's step by the sum of all its squared gradients."""

    lr: float = 1e-2
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(parameters, lr=self.lr, weight_decay=self.weight_decay)
