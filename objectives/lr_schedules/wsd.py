"""Warm-up, stable, decay: the full rate until the last part of training (Hu et al., 2024; Hägele et al., 2024)."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["Wsd"]


@final
@dataclass(frozen=True)
class Wsd(LrSchedule):
    """1 until the last `decay` of training, then 1 - sqrt, down to `final`.

    The warm-up can be a number of steps, `warmup_steps`. Before its decay a long training has then the rates of a
    shorter one: what was trained without decay is the beginning of both.
    """

    decay: float = 0.2
    final: float = 0.0
    warmup_steps: int = 0
    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        begin = 1 - self.decay
        if progress <= begin:
            return 1.0
        return 1 - (1 - self.final) * math.sqrt((progress - begin) / self.decay)

    def multiplier(self, progress: float, steps: int) -> float:
        taken = progress * steps
        ramp = taken / self.warmup_steps if taken < self.warmup_steps else 1.0
        return ramp * self.factor(progress)

    def note(self, steps: int) -> str:
        if self.warmup_steps <= steps:
            return ""
        warmup = f"lr_schedule.wsd.warmup_steps: the warm-up takes {self.warmup_steps} steps"
        return f"{warmup}, and all of training {steps}, so the full rate is never reached"
