"""One yes-or-no question per class."""

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn import functional

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["BinaryCrossEntropy"]


@final
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Each class against the rest, averaged; `label_smoothing` pulls every answer towards one half."""

    tasks = frozenset({Task.CLASSIFICATION})

    label_smoothing: float | Tensor = 0.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        answers = functional.one_hot(targets, outputs.shape[-1]).to(outputs.dtype)
        smoothing = self.label_smoothing[:, None] if isinstance(self.label_smoothing, Tensor) else self.label_smoothing
        smoothed = answers * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(outputs, smoothed, reduction="none").mean(dim=-1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        # In logarithms: where every answer is a firm no, their sum would round to 0.
        return functional.logsigmoid(outputs).softmax(dim=-1)
