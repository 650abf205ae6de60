"""Cross-entropy that cares less for what is already right (Lin et al., 2017)."""

from dataclasses import dataclass
from typing import final

from torch import Tensor
from torch.nn import functional

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

__all__ = ["Focal"]


@final
@dataclass(frozen=True)
class Focal(Loss):
    """Cross-entropy times (1 - probability of the right class) to the power `gamma`."""

    tasks = frozenset({Task.CLASSIFICATION})

    gamma: float = 2.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        entropy = functional.cross_entropy(outputs, targets, reduction="none")
        # expm1 keeps 1 - p exact near 0; the floor keeps the slope of a power below 1 finite there.
        missing = (-(-entropy).expm1()).clamp_min(1e-8)
        return missing.pow(self.gamma) * entropy
