"""A study's trials, counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord, TrialState


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCounts:
    """How many trials are in which state, and how many epochs, or of another unit, all of them were trained.

    `violating` are the finished ones that break a constraint.
    """

    states: Mapping[TrialState, int]
    epochs: int
    violating: int = 0

    def with_none_running(self) -> "TrialCounts":
        """Return the counts with what is RUNNING as WAITING."""
        states = Counter(self.states)
        states[TrialState.WAITING] += states.pop(TrialState.RUNNING, 0)
        return replace(self, states=states)


def tally_of(trials: Sequence[TrialRecord], goal: Goal) -> TrialCounts:
    """Count a study's trials, all of which are given."""
    return TrialCounts(
        states=Counter(trial.state for trial in trials),
        epochs=sum(trial.last_epoch for trial in trials),
        violating=sum(trial.state.is_finished and bool(goal.violated(trial.metrics)) for trial in trials),
    )
