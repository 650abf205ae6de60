"""Rungs of successive halving: how far trials are when they are compared, and how they compare there.

Rungs are crossed, not hit. A trial has its value at a rung from its first report at or beyond it.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import final

from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.schedulers._fronts import Merits, place


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
    """One bracket: its rungs, and the merits that were recorded at each; `sign` turns the one of a single metric."""

    def __init__(self, epochs: tuple[int, ...], eta: int, sign: float) -> None:
        self.epochs = epochs
        self._eta = eta
        self._sign = sign
        self._sorted: dict[int, list[Merits]] = {epoch: [] for epoch in epochs}
        self._merits: dict[int, dict[int, Merits]] = {epoch: {} for epoch in epochs}
        self._crossed: dict[tuple[int, int], list[int]] = defaultdict(list)

    def record(self, number: int, epoch: int, value: float) -> None:
        """Record a trial's value at each rung that this report is the first one to reach or to pass."""
        self.record_several(number, epoch, (self._sign * value,))

    def record_several(self, number: int, epoch: int, merits: Merits) -> None:
        """Record a trial's merits at each rung that this report is the first one to reach or to pass."""
        for rung, known in self._merits.items():
            if rung <= epoch and number not in known:
                known[number] = merits
                insort(self._sorted[rung], merits)
                self._crossed[number, epoch].append(rung)

    def decide(self, number: int, epoch: int) -> Decision:
        """Stop a trial that is not among the best `1/eta` of a rung that its report at `epoch` crossed.

        The only best of a rung is never stopped, and equals continue. With several metrics the best are front after
        front, and all of the first front continue, however many they are: what is wanted in the end is a whole front.
        """
        compared = (self._compared(number, rung) for rung in self._crossed.get((number, epoch), []))
        return Decision.STOP if any(each.decision is Decision.STOP for each in compared) else Decision.CONTINUE

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        """Return what the trial was compared with at each rung that its report at `epoch` crossed."""
        return tuple(self._compared(number, rung) for rung in self._crossed.get((number, epoch), []))

    def _compared(self, number: int, rung: int) -> Comparison:
        is_single = len(self._merits[rung][number]) == 1
        return self._by_value(number, rung) if is_single else self._by_front(number, rung)

    def _by_value(self, number: int, rung: int) -> Comparison:
        values, own = self._sorted[rung], self._merits[rung][number]
        places = self._places(rung)
        better = len(values) - bisect_left(values, own)
        # `better` counts the trial itself and its equals; it stays if those above them leave a place.
        equals = values.count(own) if better > 1 else 1
        return Comparison(
            yardstick=Yardstick.BEST,
            rung=rung,
            value=self._sign * own[0],
            needed=self._sign * values[-places][0],
            compared=len(values),
            places=places,
            decision=Decision.CONTINUE if better - equals < places else Decision.STOP,
        )

    def _by_front(self, number: int, rung: int) -> Comparison:
        merits, places = self._merits[rung], self._places(rung)
        before, front = place([*merits.values()], [*merits].index(number))
        return Comparison(
            yardstick=Yardstick.FRONT,
            rung=rung,
            value=float(before + 1),
            needed=float(places),
            compared=len(merits),
            places=places,
            decision=Decision.CONTINUE if before < places or front == 0 else Decision.STOP,
        )

    def _places(self, rung: int) -> int:
        return max(1, len(self._sorted[rung]) // self._eta)
