"""Which checkpoints of repetitions stay: those of configurations that can still be the best in the mean."""

from collections.abc import Sequence
from typing import final

from tuner.analysis.confirmation import confirmation_of
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord
from tuner.execution.study_checkpoints import StudyCheckpoints


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
