"""Which trial's weights are a study's model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from tuner.domain import ranking
from tuner.domain.errors import ConfigurationError, NoUsableTrialError
from tuner.domain.record import StudyRecord
from tuner.domain.trial import TrialRecord


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The trial whose weights are the model, and the name of the study among whose checkpoints they lie."""

    study: str
    trial: TrialRecord


def chosen(study: StudyRecord, trials: Sequence[TrialRecord], number: int | None = None) -> Chosen:
    """Return whose weights are the study's model: those of trial `number`, or of the best one.

    Raises `NoUsableTrialError` where none is complete, and `ConfigurationError` for a trial that has no value.
    """
    if number is None:
        best = ranking.best(trials, study.goal)
        if best is None:
            raise NoUsableTrialError(
                f"no trial of study {study.name!r} is complete", hint=f"tuner trials {study.name} shows why"
            )
        return Chosen(study=study.name, trial=best)
    found = next((trial for trial in trials if trial.number == number), None)
    if found is None:
        raise ConfigurationError(f"study {study.name!r} has no trial {number} (it has {len(trials)})")
    if not found.epoch:
        raise ConfigurationError(f"trial {number} of study {study.name!r} has measured nothing, so it has no model")
    return Chosen(study=study.name, trial=found)
