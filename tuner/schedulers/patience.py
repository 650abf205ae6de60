"""Ends trials that have stopped improving, whatever the others do."""

from collections import defaultdict
from typing import ClassVar, final

from tuner.domain.decision import Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.schedulers._options import check_at_least

__all__ = ["Patience"]


@final
class Patience(Scheduler):
    """Finishes a trial that has not improved by more than `min_delta` for `epochs` epochs.

    Such a trial has converged, it was not beaten: it is COMPLETE, and its value is that of its best epoch.
    """

    prunes: ClassVar[bool] = False

    def __init__(
        self, max_epochs: int, direction: Direction, seed: int, *, epochs: int = 5, min_delta: float = 0.0
    ) -> None:
        check_at_least("epochs", epochs, 1)
        check_at_least("min_delta", min_delta, 0)
        self._sign = direction.sign
        self._epochs = epochs
        self._min_delta = min_delta
        self._best: dict[int, float] = {}
        self._improved: dict[int, dict[int, int]] = defaultdict(dict)

    def record(self, number: int, epoch: int, value: float) -> None:
        if epoch in self._improved[number]:
            return
        signed = self._sign * value
        best = self._best.get(number)
        if best is None or signed > best + self._min_delta:
            self._best[number] = signed
            self._improved[number][epoch] = epoch
        else:
            self._improved[number][epoch] = self._improved[number].get(epoch - 1, epoch)

    def decide(self, number: int, epoch: int) -> Decision:
        waited = epoch - self._improved[number].get(epoch, epoch)
        return Decision.FINISH if waited >= self._epochs else Decision.CONTINUE
