"""Rungs of successive halving: the epochs at which trials are compared, and how they compare there."""

from bisect import bisect_left, insort
from typing import final

from tuner.domain.decision import Decision
from tuner.domain.study import Direction


def rung_epochs(min_epochs: int, eta: int, max_epochs: int) -> tuple[int, ...]:
    """Return the epochs at which trials are compared; the last epoch is none, there all are done anyway.

    >>> rung_epochs(1, 3, 27)
    (1, 3, 9)
    """
    epochs = []
    epoch = min_epochs
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= eta
    return tuple(epochs)


@final
class Ladder:
    """One bracket: its rungs, and the values that were recorded at each."""

    def __init__(self, epochs: tuple[int, ...], eta: int, direction: Direction) -> None:
        self.epochs = epochs
        self._eta = eta
        self._sign = direction.sign
        self._sorted: dict[int, list[float]] = {epoch: [] for epoch in epochs}
        self._values: dict[int, dict[int, float]] = {epoch: {} for epoch in epochs}

    def record(self, number: int, epoch: int, value: float) -> None:
        """Take note of a trial's value; nothing happens between rungs, or when the trial was there before."""
        if epoch not in self._values or number in self._values[epoch]:
            return
        self._values[epoch][number] = self._sign * value
        insort(self._sorted[epoch], self._sign * value)

    def decide(self, number: int, epoch: int) -> Decision:
        """Stop a trial that is not among the best `1/eta` of its rung, but never the only best; equals go on."""
        if number not in self._values.get(epoch, {}):
            return Decision.CONTINUE
        values = self._sorted[epoch]
        better = len(values) - bisect_left(values, self._values[epoch][number])
        # `better` counts the trial itself and its equals; it stays if those above them leave a place.
        equals = values.count(self._values[epoch][number]) if better > 1 else 1
        places = max(1, len(values) // self._eta)
        return Decision.CONTINUE if better - equals < places else Decision.STOP
