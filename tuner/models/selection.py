"""Which trial's weights are a study's model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from tuner.analysis import queries
from tuner.analysis.study_answer import training_of
from tuner.domain.errors import ConfigurationError, NoUsableTrialError
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord
from tuner.storage.location import Location


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The search's trial whose configuration the model has, and the training that its weights are from.

    That is the trial itself, or the best repetition of a confirmed one; its checkpoints lie under the name `study`.
    """

    trial: TrialRecord
    training: TrialRecord
    study: str


def chosen(
    location: Location,
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    repetitions: Sequence[TrialRecord] = (),
    number: int | None = None,
) -> Chosen:
    """Return whose weights are the study's model: the confirmed winner's, the best trial's, or those of `number`.

    Raises `NoUsableTrialError` where no trial is usable, and `ConfigurationError` for one that has no value.
    """
    if number is not None:
        return _asked_for(study, trials, number)
    best = next(iter(queries.top(study, trials, 1, repetitions)), None)
    if best is None:
        raise NoUsableTrialError(
            f"study {study.name!r} has no trial to make a model of",
            hint=f"{location.command('trials', study.name)} shows why",
        )
    confirmation = queries.confirmed(study, trials, repetitions)
    name, trained = training_of(study, best, confirmation)
    return Chosen(trial=best, training=trained, study=name)


def _asked_for(study: StudyRecord, trials: Sequence[TrialRecord], number: int) -> Chosen:
    found = next((trial for trial in trials if trial.number == number), None)
    if found is None:
        raise ConfigurationError(f"study {study.name!r} has no trial {number} (it has {len(trials)})")
    if not found.epoch:
        raise ConfigurationError(f"trial {number} of study {study.name!r} has measured nothing, so it has no model")
    return Chosen(trial=found, training=found, study=study.name)
