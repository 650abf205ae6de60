"""Progress of a running study: a few numbers, updated at each event, for displays and trackers."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

from tuner.domain.config import Config
from tuner.domain.event import Event, EventKind
from tuner.domain.expected_gain import ExpectedGain, Records, finished_in_order
from tuner.domain.fidelity import EPOCHS, FidelityUnit
from tuner.domain.goal import Goal
from tuner.domain.ranking import front
from tuner.domain.trial import TrialRecord, TrialState


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a run is to reach, and how many cohorts it trains at a time (0: unknown).

    Where it has no `winner`, the best of its trials is only the luckiest one.
    """

    goal: Goal
    trials: int
    max_epochs: int
    unit: FidelityUnit = EPOCHS
    parallel: int = 0
    bound: str = ""
    """Why not more trials train together."""
    winner: bool = True
    repeats: tuple[tuple[int, Config], ...] = ()
    """The configurations that are trained again, with their trials' numbers in the search; empty in the search."""

    def repeated_by(self, trial: TrialRecord) -> int | None:
        """Return the number of the search's trial that `trial` repeats."""
        return next((number for number, config in self.repeats if config == trial.config), None)


@final
class ProgressTracker:
    """A study's progress in numbers.

    `trials` are those stored before the run, which began `age` seconds ago: they count, but their pace does not.
    """

    def __init__(
        self, target: Target, trials: Sequence[TrialRecord], clock: Callable[[], float], *, age: float = 0.0
    ) -> None:
        self.target = target
        self.running: dict[int, TrialRecord] = {}
        self.together = 0
        """How many trials the last report's cohort trained as one; 0: the objective never does, or it is unknown."""
        self.apart = ""
        self.front: tuple[TrialRecord, ...] = ()
        self._clock = clock
        self._began = clock() - age
        self._counts: Counter[TrialState] = Counter()
        self._records = Records(target.goal)
        self._expected: tuple[int, ExpectedGain | None] = (0, None)
        for trial in finished_in_order(trials):
            self._finish(trial)
        self._before = self.finished

    def extend(self, trials: int) -> None:
        """Count towards so many trials in all."""
        self.target = replace(self.target, trials=trials)

    def update(self, event: Event) -> None:
        """Count the event."""
        trial = event.trial
        if event.report is not None and event.report.together:
            self.together, self.apart = event.report.together, event.report.apart
        if event.kind in (EventKind.STARTED, EventKind.REPORTED):
            self.running[trial.number] = trial
        elif event.kind not in (EventKind.TESTED, EventKind.EXPLOITED):
            self.running.pop(trial.number, None)
        if event.kind is EventKind.FINISHED:
            self._finish(trial)

    @property
    def finished(self) -> int:
        """The number of trials that are over."""
        return self._counts.total()

    @property
    def counts(self) -> str:
        """How many trials ended in which way, in words."""
        parts = {
            "complete": self._counts[TrialState.COMPLETE],
            "stopped": self._counts[TrialState.PRUNED],
            "failed": self._counts[TrialState.FAIL],
        }
        return ", ".join(f"{count} {word}" for word, count in parts.items() if count or word != "failed")

    @property
    def best(self) -> TrialRecord | None:
        """The best trial so far, by the first metric; None before there is one."""
        return next(iter(self.front), None)

    @property
    def expected_gain(self) -> ExpectedGain | None:
        """By how much the trials that are left are expected to better the best value; None where it is not known."""
        if self._expected[0] != self.finished:
            self._expected = self.finished, self._records.expected(self.target.trials)
        return self._expected[1]

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before the first trial is over."""
        done = self.finished - self._before
        return self.elapsed / done * (self.target.trials - self.finished) if done else None

    def _finish(self, trial: TrialRecord) -> None:
        self._counts[trial.state] += 1
        if self.target.winner:
            if not self.target.goal.has_several:
                self._records.count(trial)
            self.front = front((*self.front, trial), self.target.goal)
