"""Rungs of successive halving: how far trials are when they are compared, and how they compare there.

Rungs are crossed, not hit. A trial has its value at a rung from its first report at or beyond it. Trials that keep the
constraints come before those that break them, and of these the one that is least beyond them comes first (Deb 2000, "An
efficient constraint handling method for genetic algorithms").
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


Standing = tuple[float, ...]
"""Minus how far a trial is beyond its constraints (0: it keeps them), then its merits; what is larger comes first."""


@final
class Ladder:
    """One bracket: its rungs, and how trials stood at each; `sign` turns the value of a single metric."""

    def __init__(self, epochs: tuple[int, ...], eta: int, sign: float) -> None:
        self.epochs = epochs
        self._eta = eta
        self._sign = sign
        self._sorted: dict[int, list[Standing]] = {epoch: [] for epoch in epochs}
        self._standings: dict[int, dict[int, Standing]] = {epoch: {} for epoch in epochs}
        self._crossed: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._excesses: dict[tuple[int, int], float] = {}

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        """Record how far beyond its constraints a trial is at an epoch, before its value or merits there."""
        self._excesses[number, epoch] = excess

    def record(self, number: int, epoch: int, value: float) -> None:
        """Record a trial's value at each rung that this report is the first one to reach or to pass."""
        self.record_several(number, epoch, (self._sign * value,))

    def record_several(self, number: int, epoch: int, merits: Merits) -> None:
        """Record a trial's merits at each rung that this report is the first one to reach or to pass."""
        standing = (0.0 - self._excesses.pop((number, epoch), 0.0), *merits)
        for rung, known in self._standings.items():
            if rung <= epoch and number not in known:
                known[number] = standing
                insort(self._sorted[rung], standing)
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
        excess, *merits = self._standings[rung][number]
        if excess < 0:
            return self._by_excess(number, rung)
        return self._by_value(number, rung) if len(merits) == 1 else self._by_front(number, rung)

    def _by_value(self, number: int, rung: int) -> Comparison:
        own = self._standings[rung][number]
        # Where fewer than there are places keep the constraints, all of those continue.
        needed = next(each for each in self._sorted[rung][-self._places(rung) :] if each[0] == 0)
        return Comparison(
            yardstick=Yardstick.BEST,
            rung=rung,
            value=self._sign * own[1],
            needed=self._sign * needed[1],
            compared=len(self._sorted[rung]),
            places=self._places(rung),
            decision=self._by_standing(own, rung),
        )

    def _by_excess(self, number: int, rung: int) -> Comparison:
        own = self._standings[rung][number]
        return Comparison(
            yardstick=Yardstick.CONSTRAINTS,
            rung=rung,
            value=0.0 - own[0],
            needed=0.0 - self._sorted[rung][-self._places(rung)][0],
            compared=len(self._sorted[rung]),
            places=self._places(rung),
            decision=self._by_standing(own, rung),
        )

    def _by_standing(self, own: Standing, rung: int) -> Decision:
        standings = self._sorted[rung]
        better = len(standings) - bisect_left(standings, own)
        # `better` counts the trial itself and its equals; it stays if those above them leave a place.
        equals = standings.count(own) if better > 1 else 1
        return Decision.CONTINUE if better - equals < self._places(rung) else Decision.STOP

    def _by_front(self, number: int, rung: int) -> Comparison:
        usable = {each: merits for each, (excess, *merits) in self._standings[rung].items() if excess == 0}
        before, front = place([tuple(merits) for merits in usable.values()], [*usable].index(number))
        places = self._places(rung)
        return Comparison(
            yardstick=Yardstick.FRONT,
            rung=rung,
            value=float(before + 1),
            needed=float(places),
            compared=len(self._sorted[rung]),
            places=places,
            decision=Decision.CONTINUE if before < places or front == 0 else Decision.STOP,
        )

    def _places(self, rung: int) -> int:
        return max(1, len(self._sorted[rung]) // self._eta)
