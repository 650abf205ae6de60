"""Which checkpoints stay: those of the study's best trials, and of trials that are not over."""

from collections.abc import Sequence
from typing import final

from tuner.analysis.confirmation import confirmation_of
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


@final
class CandidateRetention(Listener):
    """Deletes the checkpoints of repetitions whose configuration cannot be the best in the mean.

    A configuration is judged when all its `times` repetitions are over; `trials` are the search's.
    """

    def __init__(
        self,
        checkpoints: StudyCheckpoints,
        trials: Sequence[TrialRecord],
        repetitions: Sequence[TrialRecord],
        goal: Goal,
        times: int,
    ) -> None:
        self._checkpoints = checkpoints
        self._trials = trials
        self._goal = goal
        self._times = times
        self._over = [each for each in repetitions if each.state.is_finished]

    def notify(self, event: Event) -> None:
        if event.kind is not EventKind.FINISHED:
            return
        self._over.append(event.trial)
        for trial in self._beaten():
            self._checkpoints.discard(trial.number)

    def _beaten(self) -> list[TrialRecord]:
        """Return the repetitions whose weights neither the model nor the test needs, which has the default too.

        Of candidates with equally many values the one with the lower mean never wins, whatever the others will be.
        """
        done = [each for each in self._over if sum(it.config == each.config for it in self._over) >= self._times]
        confirmation = confirmation_of(self._trials, done, self._goal)
        if confirmation is None:
            return []
        winner = confirmation.winner
        needed = [each.config for each in confirmation.candidates if len(each.complete) != len(winner.complete)]
        needed += [each.config for each in (winner, confirmation.default) if each is not None]
        return [each for each in done if each.config not in needed]
