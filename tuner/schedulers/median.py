"""Stops trials that are worse than the median of the others were at the same epoch."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any, ClassVar, final

from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.schedulers._options import below, first_rung, of_min_epochs, of_warm_up, refuse

__all__ = ["MedianRule"]

_ETA = 3
"""Where nothing else is said, nothing is stopped before the first rung that `asha` has by default."""


@final
class MedianRule(Scheduler):
    """Stops a trial whose best value so far is below the median of the others' running averages at that epoch.

    The median stopping rule of Golovin et al. 2017, "Google Vizier". Nothing is stopped before `min_epochs` and
    `warm_up`, nor while fewer than `min_trials` others have come as far. Another trial's average at an epoch is that of
    its first report at or beyond it.
    """

    prunes: ClassVar[bool] = True

    def __init__(
        self,
        max_epochs: int,
        direction: Direction,
        seed: int,
        *,
        min_epochs: int = 1,
        min_trials: int = 5,
        warm_up: int = 0,
    ) -> None:
        refuse(
            of_min_epochs(min_epochs, max_epochs), of_warm_up(warm_up, max_epochs), below("min_trials", min_trials, 1)
        )
        self._sign = direction.sign
        self._min_epochs = max(min_epochs, warm_up)
        self._min_trials = min_trials
        self._sums: dict[int, float] = defaultdict(float)
        self._best: dict[int, dict[int, float]] = defaultdict(dict)
        self._epochs: dict[int, list[int]] = defaultdict(list)
        self._averages: dict[int, list[float]] = defaultdict(list)
        self._beyond: set[tuple[int, int]] = set()

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        return {"min_epochs": first_rung(max_epochs, _ETA)}

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self._beyond.add((number, epoch))

    def record(self, number: int, epoch: int, value: float) -> None:
        if epoch in self._best[number]:
            return
        signed = self._sign * value
        self._sums[number] += signed
        before = self._best[number][self._epochs[number][-1]] if self._epochs[number] else signed
        best = self._best[number][epoch] = max(signed, before)
        self._epochs[number].append(epoch)
        # A rounded average can exceed all that it averages: trials that are level would stop each other.
        self._averages[number].append(min(best, self._sums[number] / len(self._epochs[number])))

    def decide(self, number: int, epoch: int) -> Decision:
        if epoch < self._min_epochs:
            return Decision.CONTINUE
        others = [*self._others(number, epoch)]
        if len(others) < self._min_trials:
            return Decision.CONTINUE
        return Decision.STOP if self._best[number][epoch] < median(others) else Decision.CONTINUE

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        others = [*self._others(number, epoch)] if epoch >= self._min_epochs else []
        if len(others) < self._min_trials:
            return ()
        comparison = Comparison(
            yardstick=Yardstick.MEDIAN,
            rung=epoch,
            value=self._sign * self._best[number][epoch],
            needed=self._sign * median(others),
            compared=len(others),
            decision=self.decide(number, epoch),
        )
        return (comparison,)

    def _others(self, number: int, epoch: int) -> Iterator[float]:
        """Yield the averages of the others that are at `epoch` or beyond, each as it was when it got there.

        Those that break a constraint there are left out: nothing is stopped because of them.
        """
        for other, epochs in self._epochs.items():
            index = bisect_left(epochs, epoch)
            if other != number and index < len(epochs) and (other, epochs[index]) not in self._beyond:
                yield self._averages[other][index]
