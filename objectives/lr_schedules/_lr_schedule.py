"""The port of an lr_schedule."""

from abc import ABC, abstractmethod


class LrSchedule(ABC):
    """What the learning rate is multiplied with as training progresses."""

    warmup: float
    """The share of training during which the rate rises from 0, on top of the schedule's own shape; 0 for none."""

    @abstractmethod
    def shape(self, progress: float) -> float:
        """Return the multiplier, at most 1, at `progress` (0 to 1) without warm-up."""

    def factor(self, progress: float) -> float:
        """Return the multiplier at `progress` from 0, where training begins, to 1, where its last epoch ends."""
        ramp = progress / self.warmup if progress < self.warmup else 1.0
        return ramp * self.shape(progress)

    def multiplier(self, progress: float, steps: int) -> float:
        """Return the factor at `progress` of a training of so many steps; a schedule may count some in steps."""
        return self.factor(progress)

    def note(self, steps: int) -> str:
        """Return what is probably not meant in a training of so many steps; "" where there is nothing."""
        return ""
