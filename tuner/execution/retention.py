"""Which checkpoints stay: those of the study's best trials, and of trials that are not over."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, ranked
from tuner.execution.checkpoints import discard

KEPT = 5
"""How many of the best trials keep their weights."""


@final
class Retention(Listener):
    """Deletes the checkpoints of finished trials that are not among the best.

    It is told after the trial was stored, so a checkpoint goes only when nothing needs it any more.
    """

    def __init__(self, root: Path, direction: Direction, trials: Sequence[TrialRecord]) -> None:
        self._root = root
        self._direction = direction
        self._kept = ranked(trials, direction)[:KEPT]

    def notify(self, event: Event) -> None:
        if event.kind is not EventKind.FINISHED:
            return
        candidates = (*self._kept, event.trial)
        self._kept = ranked(candidates, self._direction)[:KEPT]
        kept = {trial.number for trial in self._kept}
        for trial in candidates:
            if trial.number not in kept:
                discard(self._root, trial.number)
