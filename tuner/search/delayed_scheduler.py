"""Judges each trial by trials that were over before it began: decisions can be repeated."""

from collections import defaultdict
from collections.abc import Callable
from typing import ClassVar, final

from tuner.domain.decision import Comparison, Decision
from tuner.domain.scheduler import Scheduler


@final
class DelayedScheduler(Scheduler):
    """Lets a scheduler of its own judge trial n, which knows the reports of the trials up to n - `delay` and of n.

    Those trials are over when trial n begins, so its decisions depend neither on how fast others are nor on which
    epochs were reported together. `make` makes a scheduler; each is rebuilt by recording reports, which costs as many
    records for a trial as there were reports before it.
    """

    prunes: ClassVar[bool] = True

    def __init__(self, make: Callable[[], Scheduler], delay: int) -> None:
        self._make = make
        self._delay = delay
        self._epochs = make()
        self.compares_several = self._epochs.compares_several
        self._curves: dict[int, dict[int, float | tuple[float, ...]]] = defaultdict(dict)
        self._excesses: dict[tuple[int, int], float] = {}
        self._judges: dict[int, Scheduler] = {}
        self._known: dict[int, int] = {}

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return self._epochs.decision_epochs(number)

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self._excesses.setdefault((number, epoch), excess)

    def record(self, number: int, epoch: int, value: float) -> None:
        self._curves[number].setdefault(epoch, value)

    def record_several(self, number: int, epoch: int, merits: tuple[float, ...]) -> None:
        self._curves[number].setdefault(epoch, merits)

    def decide(self, number: int, epoch: int) -> Decision:
        return self._judge(number, epoch).decide(number, epoch)

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        return self._judge(number, epoch).comparisons(number, epoch)

    def _judge(self, number: int, epoch: int) -> Scheduler:
        """Return the scheduler of the trial, which knows the trial's own reports up to `epoch`."""
        if number not in self._judges:
            self._begin(number)
        for each in sorted(self._curves[number]):
            if self._known[number] < each <= epoch:
                self._record(self._judges[number], number, each)
                self._known[number] = each
        return self._judges[number]

    def _begin(self, number: int) -> None:
        last = number - self._delay
        self._judges = {each: judge for each, judge in self._judges.items() if each > last}
        self._judges[number], self._known[number] = self._make(), 0
        for other in sorted(each for each in self._curves if each <= last):
            for epoch in sorted(self._curves[other]):
                self._record(self._judges[number], other, epoch)

    def _record(self, judge: Scheduler, number: int, epoch: int) -> None:
        """Record what a trial reported at an epoch with a scheduler: a single metric, or all of several."""
        if (number, epoch) in self._excesses:
            judge.record_excess(number, epoch, self._excesses[number, epoch])
        measured = self._curves[number][epoch]
        if isinstance(measured, tuple):
            judge.record_several(number, epoch, measured)
        else:
            judge.record(number, epoch, measured)
