"""The rate falls and rises in four waves, ever slower (Holzmüller et al., Better by Default, 2024)."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["CosLog4"]

_WAVES = 4


@final
@dataclass(frozen=True)
class CosLog4(LrSchedule):
    """Begins at 0, ends at 0, and is 1 in the middle of each of four waves, of which each is twice as long."""

    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        return (1 - math.cos(2 * math.pi * math.log2(1 + (2**_WAVES - 1) * progress))) / 2
