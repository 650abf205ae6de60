"""The same rate throughout."""

from dataclasses import dataclass
from typing import final

from tuner.objectives.lr_schedules._lr_schedule import LrSchedule

__all__ = ["Constant"]


@final
@dataclass(frozen=True)
class Constant(LrSchedule):
    """Always 1."""

    warmup: float = 0.0

    def shape(self, progress: float) -> float:
        return 1.0
