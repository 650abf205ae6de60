"""Successive halving without waiting: the poorer trials stop at rungs of 1, 3, 9, ... epochs."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from tuner.domain.decision import Comparison, Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.schedulers._options import first_rung, of_halving, refuse
from tuner.schedulers._rungs import Ladder, rung_epochs

__all__ = ["ASHA"]

_ETA = 3


@final
class ASHA(Scheduler):
    """Stops a trial at a rung where it is not among the best `1/eta` so far: the stopping variant.

    Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", describe the other one, which pauses trials
    at a rung and promotes them later. Here a trial is judged once per rung, by its first report at or beyond it, and a
    stopped one never comes back. With several metrics the best at a rung are front after front (Schmucker et al. 2021,
    "Multi-objective Asynchronous Successive Halving"), and none of the first front is stopped. Rungs are at
    `min_epochs * eta^k` epochs, those below `warm_up` left out.
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
        self._ladder = Ladder(rung_epochs(min_epochs, eta, max_epochs, warm_up), eta, direction.sign)

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        return {"min_epochs": first_rung(max_epochs, options.get("eta", _ETA))}

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return self._ladder.epochs

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self._ladder.record_excess(number, epoch, excess)

    def record(self, number: int, epoch: int, value: float) -> None:
        self._ladder.record(number, epoch, value)

    def record_several(self, number: int, epoch: int, merits: tuple[float, ...]) -> None:
        self._ladder.record_several(number, epoch, merits)

    def decide(self, number: int, epoch: int) -> Decision:
        return self._ladder.decide(number, epoch)

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        return self._ladder.comparisons(number, epoch)
