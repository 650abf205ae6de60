"""The rate rises, then falls to almost nothing (Smith and Topin, 2018)."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["OneCycle"]


@final
@dataclass(frozen=True)
class OneCycle(LrSchedule):
    """From `start` up to 1 at `peak` of training and down to 0, along half a cosine each way.

    Only the rate: torch's own one-cycle also moves the momentum between 0.85 and 0.95, whatever was chosen, and here
    the momentum is something that is searched.
    """

    start: float = 0.04
    peak: float = 0.3
    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        if progress < self.peak:
            return self.start + (1 - self.start) * (1 - math.cos(math.pi * progress / self.peak)) / 2
        return (1 + math.cos(math.pi * (progress - self.peak) / (1 - self.peak))) / 2
