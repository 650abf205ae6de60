"""Stops nothing: every trial is trained to its last epoch."""

from typing import ClassVar, final

from tuner.domain.decision import Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction

__all__ = ["NoScheduler"]


@final
class NoScheduler(Scheduler):
    """Lets every trial continue."""

    prunes: ClassVar[bool] = False

    def __init__(self, max_epochs: int, direction: Direction, seed: int) -> None:
        pass

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return ()

    def record(self, number: int, epoch: int, value: float) -> None:
        pass

    def decide(self, number: int, epoch: int) -> Decision:
        return Decision.CONTINUE
