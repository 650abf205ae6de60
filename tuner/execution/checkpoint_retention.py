"""Which checkpoints stay: those of the study's best trials, and of trials that are not over."""

from collections.abc import Sequence
from typing import final

from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.goal import Goal
from tuner.domain.ranking import front, ranked
from tuner.domain.trial import TrialRecord
from tuner.execution.study_checkpoints import StudyCheckpoints

KEPT = 5
"""How many of the best trials keep their weights, and all of a Pareto front that is larger."""


@final
class Retention(Listener):
    """Deletes the checkpoints of finished trials that are not among the best.

    It is notified after the trial was stored, so a checkpoint is deleted only when nothing needs it any more.
    """

    def __init__(self, checkpoints: StudyCheckpoints, goal: Goal, trials: Sequence[TrialRecord]) -> None:
        self._checkpoints = checkpoints
        self._goal = goal
        self._kept = self._best(trials)

    def notify(self, event: Event) -> None:
        if event.kind is not EventKind.FINISHED:
            return
        candidates = (*self._kept, event.trial)
        self._kept = self._best(candidates)
        kept = {trial.number for trial in self._kept}
        for trial in candidates:
            if trial.number not in kept:
                self._checkpoints.discard(trial.number)

    def _best(self, trials: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
        return ranked(trials, self._goal)[: max(KEPT, len(front(trials, self._goal)))]
