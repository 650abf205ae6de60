"""The early end of a study: a value that is good enough, or no new best in so many trials."""

from collections.abc import Iterable
from datetime import datetime
from typing import final

from tuner.domain import ranking
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord
from tuner.search.plan import RunPlan


@final
class EarlyEnd:
    """Judges each trial that finishes by the plan's `target` and `patience`; `earlier` are those of earlier runs.

    Only usable trials count as reaching the target or as a new best: complete ones that meet the constraints.
    """

    def __init__(self, plan: RunPlan, earlier: Iterable[TrialRecord] = ()) -> None:
        self._goal = plan.goal
        self._target = plan.target
        self._patience = plan.patience
        self._best: float | None = None
        self._since_best = 0
        finished = (trial for trial in earlier if trial.state.is_finished)
        for trial in sorted(finished, key=lambda trial: (trial.finished or datetime.min, trial.number)):  # noqa: DTZ901
            self.count(trial)

    @property
    def cause(self) -> StopCause | None:
        """Why the study is over; None while it is not."""
        if self._target is not None and self._best is not None and not self._is_better(self._target):
            return StopCause.TARGET
        if self._patience is not None and self._since_best >= self._patience:
            return StopCause.PATIENCE
        return None

    def count(self, trial: TrialRecord) -> None:
        """Record a finished trial."""
        usable = ranking.best([trial], self._goal)
        if usable is not None and usable.value is not None and self._is_better(usable.value):
            self._best, self._since_best = usable.value, 0
        else:
            self._since_best += 1

    def _is_better(self, value: float) -> bool:
        """Whether the value is better than the best one so far."""
        return self._goal.direction.is_better(value, than=self._best)
