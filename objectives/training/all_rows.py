"""Trains what was found once more, on the examples of the validation split too."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.trial import Failure, Metrics, Trial
from tuner.objectives.training.cohort import SupervisedCohort, TrainerSource
from tuner.objectives.training.metrics import LOSS


def trained_on_all(source: TrainerSource, trials: Sequence[Trial]) -> None:
    """Train these trials of one shape anew, each for its own epochs, and save their states.

    One that has no finite loss at its end saves nothing: it has diverged, as it had not with fewer rows. The learning
    rate goes the way it went in the search, so that a trial that was best early ends before it has fallen.
    """
    # Trials of several studies may have one number.
    anew = [
        replace(trial, number=place, epoch=0, checkpoints=_Anew(trial.checkpoints))
        for place, trial in enumerate(trials)
    ]
    cohort = SupervisedCohort(source, anew)
    last = {place: trial.epoch for place, trial in enumerate(trials)}
    for epoch in range(1, max(last.values()) + 1):
        measured = cohort.advance()
        ended = [number for number, each in last.items() if each == epoch]
        cohort.save([number for number in ended if _is_finite(measured[number])])
        cohort.drop(ended)


def _is_finite(outcome: Metrics | Failure | None) -> bool:
    return isinstance(outcome, Mapping) and math.isfinite(outcome[LOSS])


@final
class _Anew(Checkpoints):
    """What keeps a trial's state that begins anew, whatever is kept of it by now."""

    def __init__(self, kept: Checkpoints) -> None:
        self._kept = kept

    def save(self, state: Mapping[str, Any]) -> None:
        self._kept.save(state)

    def load(self) -> Mapping[str, Any] | None:
        return None
