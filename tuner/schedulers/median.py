"""Stops trials that are worse than the median of the others were at the same epoch."""

from collections import defaultdict
from statistics import median
from typing import ClassVar, final

from tuner.domain.decision import Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.schedulers._options import check_at_least, check_min_epochs

__all__ = ["MedianRule"]


@final
class MedianRule(Scheduler):
    """Stops a trial whose best value so far is below the median of the others' running averages at that epoch.

    The median stopping rule of Golovin et al. 2017, "Google Vizier". Nothing is stopped before `min_epochs`, nor while
    fewer than `min_trials` others have come as far.
    """

    prunes: ClassVar[bool] = True

    def __init__(
        self, max_epochs: int, direction: Direction, seed: int, *, min_epochs: int = 1, min_trials: int = 5
    ) -> None:
        check_min_epochs(min_epochs, max_epochs)
        check_at_least("min_trials", min_trials, 1)
        self._sign = direction.sign
        self._min_epochs = min_epochs
        self._min_trials = min_trials
        self._sums: dict[int, float] = defaultdict(float)
        self._counts: dict[int, int] = defaultdict(int)
        self._best: dict[tuple[int, int], float] = {}
        self._averages: dict[int, dict[int, float]] = defaultdict(dict)

    def record(self, number: int, epoch: int, value: float) -> None:
        if number in self._averages[epoch]:
            return
        signed = self._sign * value
        self._sums[number] += signed
        self._counts[number] += 1
        best = self._best[number, epoch] = max(signed, self._best.get((number, epoch - 1), signed))
        # A rounded average can exceed all that it averages: trials that are level would stop each other.
        self._averages[epoch][number] = min(best, self._sums[number] / self._counts[number])

    def decide(self, number: int, epoch: int) -> Decision:
        if epoch < self._min_epochs:
            return Decision.CONTINUE
        others = [average for other, average in self._averages[epoch].items() if other != number]
        if len(others) < self._min_trials:
            return Decision.CONTINUE
        return Decision.STOP if self._best[number, epoch] < median(others) else Decision.CONTINUE
