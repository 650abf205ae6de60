"""The early end of a study: a value that is good enough, no new best in so many trials, or no gain to expect."""

from collections.abc import Iterable
from typing import final

from tuner.domain import ranking
from tuner.domain.expected_gain import Records, finished_in_order
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord
from tuner.search.plan import RunPlan


@final
class EarlyEnd:
    """Judges each trial that finishes by what the plan says of an end; `earlier` are those of earlier runs.

    Where the plan has a delay, trials count in the order of their numbers, and trial k ends a study of k + delay
    trials: those in between are not to know of it.

    Only usable trials count as reaching the target or as a new best: complete ones that meet the constraints.
    """

    def __init__(self, plan: RunPlan, earlier: Iterable[TrialRecord] = ()) -> None:
        self._goal = plan.goal
        self._target = plan.target
        self._patience = plan.patience
        self._best: float | None = None
        self._since_best = 0
        self._trials = plan.trials
        self._has_no_gain = False
        self._delay = plan.delay
        self._waiting: dict[int, TrialRecord] = {}
        self._counted = 0
        self._ended: StopCause | None = None
        self.most_trials = plan.trials
        """How many trials there are to be in all, as far as is known now."""
        self._records = Records(plan.goal) if plan.until_no_gain else None
        for trial in finished_in_order(earlier):
            self.count(trial)

    @property
    def cause(self) -> StopCause | None:
        """Why the study is over; None while it is not."""
        if self._delay:
            return self._ended if self._counted >= self.most_trials else None
        return self._cause

    @property
    def _cause(self) -> StopCause | None:
        if self._target is not None and self._best is not None and not self._is_better(self._target):
            return StopCause.TARGET
        if self._patience is not None and self._since_best >= self._patience:
            return StopCause.PATIENCE
        return StopCause.NO_GAIN if self._has_no_gain else None

    def count(self, trial: TrialRecord) -> None:
        """Record a finished trial."""
        if not self._delay:
            self._count(trial)
            return
        self._waiting[trial.number] = trial
        while (following := self._waiting.pop(self._counted, None)) is not None:
            self._counted += 1
            if self._ended is None:
                self._count(following)
                self._ended = self._cause
                if self._ended is not None:
                    self.most_trials = min(self._trials, following.number + self._delay)

    def _count(self, trial: TrialRecord) -> None:
        if self._records is not None:
            self._records.count(trial)
            gain = self._records.expected(self._trials)
            self._has_no_gain = gain is not None and gain.is_negligible
        usable = ranking.best([trial], self._goal)
        if usable is not None and usable.value is not None and self._is_better(usable.value):
            self._best, self._since_best = usable.value, 0
        else:
            self._since_best += 1

    def _is_better(self, value: float) -> bool:
        """Whether the value is better than the best one so far."""
        return self._goal.direction.is_better(value, than=self._best)
