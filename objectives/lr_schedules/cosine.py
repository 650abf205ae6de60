"""The rate falls along half a cosine (Loshchilov and Hutter, 2017)."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["Cosine"]


@final
@dataclass(frozen=True)
class Cosine(LrSchedule):
    """From 1 to `final`, slowly at both ends."""

    final: float = 0.0
    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2
