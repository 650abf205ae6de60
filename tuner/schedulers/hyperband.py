"""Several brackets of successive halving, so that slow starters get a chance too."""

import math
import random
from collections.abc import Mapping
from typing import Any, ClassVar, final

from tuner.domain.decision import Comparison, Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.study import Direction
from tuner.schedulers._options import first_rung, of_halving, refuse
from tuner.schedulers._rungs import Ladder, rung_epochs

__all__ = ["Hyperband"]

_ETA = 3


@final
class Hyperband(Scheduler):
    """Asynchronous Hyperband: each trial belongs to a bracket, and is compared only with the others of its bracket.

    Bracket s begins to stop trials at `min_epochs * eta^s` epochs, with the rungs below `warm_up` left out. A trial's
    bracket is drawn by its number, with the shares that brackets have in Li et al. 2018, "Hyperband": the ones that
    stop early take more trials.
    """

    prunes: ClassVar[bool] = True
    compares_several = True

    def __init__(
        self,
        max_epochs: int,
        direction: Direction,
        seed: int,
        *,
        min_epochs: int = 1,
        eta: int = _ETA,
        warm_up: int = 0,
    ) -> None:
        refuse(of_halving(min_epochs, eta, max_epochs, warm_up))
        self._seed = seed
        rungs = rung_epochs(min_epochs, eta, max_epochs, warm_up)
        count = len(rungs) + 1
        self._ladders = [Ladder(rungs[skipped:], eta, direction.sign) for skipped in range(count)]
        self._shares = [_share(count, skipped, eta) for skipped in range(count)]

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        return {"min_epochs": first_rung(max_epochs, options.get("eta", _ETA))}

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return self._ladders[self._bracket(number)].epochs

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self._ladders[self._bracket(number)].record_excess(number, epoch, excess)

    def record(self, number: int, epoch: int, value: float) -> None:
        self._ladders[self._bracket(number)].record(number, epoch, value)

    def record_several(self, number: int, epoch: int, merits: tuple[float, ...]) -> None:
        self._ladders[self._bracket(number)].record_several(number, epoch, merits)

    def decide(self, number: int, epoch: int) -> Decision:
        return self._ladders[self._bracket(number)].decide(number, epoch)

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        return self._ladders[self._bracket(number)].comparisons(number, epoch)

    def _bracket(self, number: int) -> int:
        draw = random.Random(derive(self._seed, "bracket", number))  # noqa: S311 - no secret
        return draw.choices(range(len(self._shares)), self._shares)[0]


def _share(count: int, skipped: int, eta: int) -> float:
    """Return how many trials Hyperband gives a bracket that skips the first `skipped` of `count - 1` rungs."""
    halvings = count - 1 - skipped
    return float(math.ceil(count / (halvings + 1) * eta**halvings))
