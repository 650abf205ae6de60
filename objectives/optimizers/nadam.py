"""Adam that looks a step ahead (Dozat, 2016)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from objectives.optimizers._optimizer import Optimizer

__all__ = ["NAdam"]


@final
@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.NAdam(parameters, lr=self.lr, betas=(self.beta1, self.beta2), weight_decay=self.weight_decay)
