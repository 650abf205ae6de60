"""The early end of a study: a value that is good enough, no new best in so many trials, or no gain to expect."""

from collections.abc import Iterable
from dataclasses import replace
from typing import final

from tuner.domain import ranking
from tuner.domain.expected_gain import Records, finished_in_order
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord
from tuner.search.plan import RunPlan


@final
class EarlyEnd:
    """Judges each trial that finishes by what the plan says of an end; `earlier` are those of earlier runs.

    A target or patience ends a study at once, and what is running is suspended. Where no gain is to be expected there
    are to be no more trials, and those that are running are trained to their ends: they run because they are promising.
    Where the plan has a delay, trials count in the order of their numbers, and trial k ends a study of k + delay
    trials, whatever the reason: those in between are not to know of it.

    Only usable trials count as reaching the target or as a new best: complete ones that meet the constraints.
    """

    def __init__(self, plan: RunPlan, earlier: Iterable[TrialRecord] = ()) -> None:
        self._plan = plan
        self._best: float | None = None
        self._since_best = 0
        self._records = Records(plan.goal)
        self._following: dict[int, TrialRecord] = {}
        self._num_counted = 0
        self._ended: StopCause | None = None
        begun = tuple(earlier)
        self._most_trials = max(plan.trials, len(begun))
        for trial in finished_in_order(begun):
            self.count(trial)

    @property
    def cause(self) -> StopCause | None:
        """Why the study is over; None while it is not."""
        if not self._plan.delay and self._by_value is not None:
            return self._by_value
        return self._ended if self._num_counted >= self._most_trials else None

    def count(self, trial: TrialRecord) -> None:
        """Record a finished trial."""
        if not self._plan.delay:
            self._num_counted += 1
            self._count(trial)
            return
        self._following[trial.number] = trial
        while (following := self._following.pop(self._num_counted, None)) is not None:
            self._num_counted += 1
            if self._ended is None:
                self._count(following)
                self._ended = self._ended or self._by_value
                if self._ended is not None:
                    self._most_trials = min(self._plan.trials, following.number + self._plan.delay)

    def retarget(self, trials: int) -> None:
        """Let there be so many trials in all, where the study has not ended early."""
        self._plan = replace(self._plan, trials=trials)
        if self._ended is None:
            self._most_trials = max(trials, self._num_counted)

    def most_trials(self, begun: int) -> int:
        """Return how many trials there are to be in all, where so many have begun."""
        if self._ended is not None and not self._plan.delay:
            self._most_trials = min(self._most_trials, begun)
        return self._most_trials

    @property
    def _by_value(self) -> StopCause | None:
        target, patience = self._plan.target, self._plan.patience
        if target is not None and self._best is not None and not self._is_better(target):
            return StopCause.TARGET
        return StopCause.PATIENCE if patience is not None and self._since_best >= patience else None

    def _count(self, trial: TrialRecord) -> None:
        usable = ranking.best([trial], self._plan.goal)
        if self._plan.until_no_gain and self._ended is None:
            self._records.add(None if usable is None else usable.value)
            gain = self._records.expected(self._plan.trials)
            self._ended = StopCause.NO_GAIN if gain is not None and gain.is_negligible else None
        if usable is not None and usable.value is not None and self._is_better(usable.value):
            self._best, self._since_best = usable.value, 0
        else:
            self._since_best += 1

    def _is_better(self, value: float) -> bool:
        """Whether the value is better than the best one so far."""
        return self._plan.goal.direction.is_better(value, than=self._best)
