"""The rate drops a few times."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["Step"]


@final
@dataclass(frozen=True)
class Step(LrSchedule):
    """Times `gamma` after each `every` of training, as shares of it."""

    every: float = 0.3
    gamma: float = 0.3
    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        # The nudge puts a drop that falls on a whole multiple there and not a rounding error later.
        drops: int = math.floor(progress / self.every + 1e-9)
        return self.gamma**drops
