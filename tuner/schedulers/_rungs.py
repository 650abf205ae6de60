"""Rungs of successive halving: how far trials are when they are compared, and how they compare there.

Rungs are crossed, not hit. A trial has its value at a rung from its first report at or beyond it.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import final

from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.study import Direction


def rung_epochs(min_epochs: int, eta: int, max_epochs: int, warm_up: int = 0) -> tuple[int, ...]:
    """Return the epochs at which trials are compared; the last epoch is none, there all are done anyway.

    Rungs below `warm_up` are left out.

    >>> rung_epochs(1, 3, 27), rung_epochs(1, 3, 27, warm_up=2)
    ((1, 3, 9), (3, 9))
    """
    epochs = []
    epoch = min_epochs
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= eta
    return tuple(epoch for epoch in epochs if epoch >= warm_up)


@final
class Ladder:
    """One bracket: its rungs, and the values that were recorded at each."""

    def __init__(self, epochs: tuple[int, ...], eta: int, direction: Direction) -> None:
        self.epochs = epochs
        self._eta = eta
        self._sign = direction.sign
        self._sorted: dict[int, list[float]] = {epoch: [] for epoch in epochs}
        self._values: dict[int, dict[int, float]] = {epoch: {} for epoch in epochs}
        self._crossed: dict[tuple[int, int], list[int]] = defaultdict(list)

    def record(self, number: int, epoch: int, value: float) -> None:
        """Record a trial's value at each rung that this report is the first one to reach or to pass."""
        for rung, values in self._values.items():
            if rung <= epoch and number not in values:
                values[number] = self._sign * value
                insort(self._sorted[rung], self._sign * value)
                self._crossed[number, epoch].append(rung)

    def decide(self, number: int, epoch: int) -> Decision:
        """Stop a trial that is not among the best `1/eta` of a rung that its report at `epoch` crossed.

        The only best of a rung is never stopped, and equals continue.
        """
        rungs = self._crossed.get((number, epoch), [])
        return Decision.CONTINUE if all(self._is_among_the_best(number, rung) for rung in rungs) else Decision.STOP

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        """Return what the trial was compared with at each rung that its report at `epoch` crossed."""
        return tuple(self._comparison(number, rung) for rung in self._crossed.get((number, epoch), []))

    def _comparison(self, number: int, rung: int) -> Comparison:
        values = self._sorted[rung]
        places = max(1, len(values) // self._eta)
        return Comparison(
            yardstick=Yardstick.BEST,
            rung=rung,
            value=self._sign * self._values[rung][number],
            needed=self._sign * values[-places],
            compared=len(values),
            places=places,
            decision=Decision.CONTINUE if self._is_among_the_best(number, rung) else Decision.STOP,
        )

    def _is_among_the_best(self, number: int, rung: int) -> bool:
        values, own = self._sorted[rung], self._values[rung][number]
        better = len(values) - bisect_left(values, own)
        # `better` counts the trial itself and its equals; it stays if those above them leave a place.
        equals = values.count(own) if better > 1 else 1
        return better - equals < max(1, len(values) // self._eta)
