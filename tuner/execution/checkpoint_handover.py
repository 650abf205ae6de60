"""How a trial gets the state that another one has learned: as a file of its own, wherever either is trained."""

from collections.abc import Sequence
from typing import final

from tuner.domain.errors import ConfigurationError
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.trial import TrialRecord
from tuner.execution.study_checkpoints import StudyCheckpoints


@final
class Inheritance(Listener):
    """Copies the state that a trial continues from, as soon as that is stored.

    A run that was killed between the two finds it out from `trials`, and does it again.
    """

    def __init__(self, checkpoints: StudyCheckpoints, trials: Sequence[TrialRecord], unit: FidelityUnit) -> None:
        self._checkpoints = checkpoints
        self._unit = unit
        for trial in trials:
            if trial.schedule and trial.schedule[-1].epoch == trial.last_epoch and not trial.state.is_finished:
                self._hand_over(trial)

    def notify(self, event: Event) -> None:
        if event.kind is EventKind.EXPLOITED and not self._hand_over(event.trial):
            stage = event.trial.schedule[-1]
            where = self._unit.at(stage.source_epoch or stage.epoch)
            raise ConfigurationError(
                f"trials cannot continue from each other: trial {stage.source} saved no state at {where}",
                hint="let the objective save before every report or yield (trial.save, trial.checkpoint), or choose "
                "another scheduler",
            )

    def _hand_over(self, trial: TrialRecord) -> bool:
        stage = trial.schedule[-1]
        return stage.source is not None and self._checkpoints.hand_over(
            stage.source, trial.number, stage.epoch, source_epoch=stage.source_epoch
        )
