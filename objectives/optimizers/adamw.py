"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from objectives.optimizers._optimizer import Optimizer

__all__ = ["AdamW"]


@final
@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam whose weights shrink by `lr * weight_decay` a step, whatever their gradients."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 1e-2
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters, fused=True, lr=self.lr, betas=(self.beta1, self.beta2), weight_decay=self.weight_decay
        )
