"""The negative log-likelihood of the right class."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["CrossEntropy"]


@final
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy with softmax; `label_smoothing` is the share of certainty spread over all classes."""

    tasks = frozenset({Task.CLASSIFICATION})

    label_smoothing: float | Tensor = 0.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if not isinstance(self.label_smoothing, Tensor):
            return functional.cross_entropy(outputs, targets, reduction="none", label_smoothing=self.label_smoothing)
        logarithms = outputs.log_softmax(dim=-1)  # torch takes no tensor for the smoothing
        hard = logarithms.gather(-1, targets[:, None])[:, 0]
        return -torch.lerp(hard, logarithms.mean(dim=-1), self.label_smoothing)
