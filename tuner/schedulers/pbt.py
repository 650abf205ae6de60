"""Population-based training: poor trials continue from the weights and the configuration of good ones."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from random import Random
from typing import Any, ClassVar, final

from tuner.domain.decision import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.study import Direction

__all__ = ["PBT"]

_GENERATIONS = 9
"""Where trials are not counted in epochs, so many generations fit into the budget, as 3 of 27 epochs do."""


@final
class PBT(Scheduler):
    """Every `interval` epochs a trial among the worst `quantile` continues from one among the best, drawn at random.

    It takes over the weights, the optimizer's state and the configuration, whose real numbers are then perturbed.
    Truncation selection of Jaderberg et al. 2017, "Population Based Training of Neural Networks". The study's trials
    are the population, and all of them are trained to the end. Where reports leave an epoch out at which trials are
    compared, a trial's value there is that of its first report beyond it.
    """

    prunes: ClassVar[bool] = False
    exploits: ClassVar[bool] = True

    def __init__(
        self, max_epochs: int, direction: Direction, seed: int, *, interval: int = 3, quantile: float = 0.25
    ) -> None:
        problems = []
        if not 1 <= interval < max_epochs:
            problems.append(f"scheduler.interval: {interval} is not from 1 to {max_epochs - 1}, below budget.epochs")
        if not 0 < quantile <= 0.5:  # noqa: PLR2004 - beyond the middle a trial would be good and poor at once
            problems.append(f"scheduler.quantile: {quantile:g} is not above 0 and at most 0.5")
        if problems:
            raise ConfigurationError(problems)
        self._epochs = tuple(range(interval, max_epochs, interval))
        self._quantile = quantile
        self._sign = direction.sign
        self._seed = seed
        self._losses: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
        self._excesses: dict[tuple[int, int], float] = {}

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        return {"interval": max(1, max_epochs // _GENERATIONS)}

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return self._epochs

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self._excesses[number, epoch] = excess

    def record(self, number: int, epoch: int, value: float) -> None:
        # Trials that keep the constraints come before those that break them.
        loss = (self._excesses.pop((number, epoch), 0.0), -self._sign * value)
        for generation in self._epochs:
            if generation <= epoch:
                self._losses[generation].setdefault(number, loss)

    def decide(self, number: int, epoch: int) -> Decision:
        return Decision.CONTINUE

    def source(self, number: int, epoch: int, population: Collection[int]) -> int | None:
        losses = self._losses[epoch]
        ranked = sorted((each for each in population if each in losses), key=lambda each: (losses[each], each))
        share = int(len(ranked) * self._quantile)
        if not share or number not in ranked[-share:]:
            return None
        draw = Random(derive(self._seed, "exploit", number, epoch))  # noqa: S311 - no secret
        return draw.choice(ranked[:share])
