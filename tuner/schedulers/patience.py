"""Ends trials that have stopped improving, whatever the others do."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, ClassVar, final

from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.schedulers._options import below, of_warm_up, refuse

__all__ = ["Patience"]

_SHARE = 5
"""Where trials are not counted in epochs, they are ended after a fifth of the budget without progress."""


@final
class Patience(Scheduler):
    """Finishes a trial that has not improved by more than `min_delta` for `epochs` epochs, after `warm_up`.

    Such a trial has converged, it was not beaten: it is COMPLETE, and its value is that of its best epoch.
    """

    prunes: ClassVar[bool] = False

    def __init__(
        self,
        max_epochs: int,
        direction: Direction,
        seed: int,
        *,
        epochs: int = 5,
        min_delta: float = 0.0,
        warm_up: int = 0,
    ) -> None:
        refuse(below("epochs", epochs, 1), below("min_delta", min_delta, 0), of_warm_up(warm_up, max_epochs))
        self._sign = direction.sign
        self._epochs = epochs
        self._min_delta = min_delta
        self._warm_up = warm_up
        self._best: dict[int, dict[int, float]] = defaultdict(dict)
        self._improved: dict[int, dict[int, int]] = defaultdict(dict)

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        return {"epochs": max(1, max_epochs // _SHARE)}

    def record(self, number: int, epoch: int, value: float) -> None:
        if epoch in self._improved[number]:
            return
        signed = self._sign * value
        best = next(reversed(self._best[number].values()), None)
        if best is None or signed > best + self._min_delta:
            self._best[number][epoch] = signed
            self._improved[number][epoch] = epoch
        else:
            self._improved[number][epoch] = next(reversed(self._improved[number].values()))

    def decide(self, number: int, epoch: int) -> Decision:
        waited = epoch - self._improved[number].get(epoch, epoch)
        return Decision.FINISH if waited >= self._epochs and epoch >= self._warm_up else Decision.CONTINUE

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        since = self._improved[number][epoch]
        best = self._best[number][since]
        comparison = Comparison(
            yardstick=Yardstick.OWN,
            rung=epoch,
            value=self._sign * best,
            needed=self._sign * (best + self._min_delta),
            compared=epoch - since,
            decision=self.decide(number, epoch),
        )
        return (comparison,)
