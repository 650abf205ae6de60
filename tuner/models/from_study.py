"""A study's model, made of the weights that the study kept."""

from dataclasses import dataclass
from typing import final

from tuner.analysis import queries
from tuner.analysis.study_answer import StudyAnswer
from tuner.domain.errors import ModelError, TunerError
from tuner.domain.model import Model
from tuner.domain.objective import Objective
from tuner.domain.study import StudySpec
from tuner.domain.trial import Trial
from tuner.execution.host import is_failure_here
from tuner.models.selection import Chosen
from tuner.models.study_trainings import StudyTrainings, no_model, no_weights
from tuner.storage.store import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyModel:
    """A model, whose weights it has, and the study that found it."""

    model: Model
    """One training's."""
    chosen: Chosen
    spec: StudySpec
    summary: queries.Summary
    answer: StudyAnswer | None = None
    """What is stored of it and of the ensemble; None where another trial was asked for, or nothing is stored."""
    ensemble: Model | None = None
    """The average of several trainings, where the study hands that out."""

    @property
    def used(self) -> Model:
        """The model that the study hands out."""
        return self.model if self.ensemble is None else self.ensemble


def model_of(
    store: Store, name: str, number: int | None = None, spec: StudySpec | None = None, *, trust: bool = False
) -> StudyModel:
    """Return the study's model, or that of trial `number`; `spec` stands in for a study that was made in Python.

    Raises `ModelError` where its weights are gone, `ConfigurationError` where the objective makes no models, and
    `UntrustedCodeError` where it lies elsewhere and was not trusted (`trust`).
    """
    trainings = StudyTrainings(store, name, number, spec, trust=trust)
    whose = trainings.chosen
    objective, trial = trainings.objective, trainings.trial(whose.study, whose.training)
    if trial is None and type(objective).model is not Objective.model:
        raise no_weights(trainings)
    model = _made(objective, trial or trainings.trial_without_weights())
    if model is None:
        raise no_model(trainings)
    answer = trainings.answer if number is None else None
    return StudyModel(
        model=model,
        chosen=whose,
        spec=trainings.spec,
        summary=trainings.summary,
        answer=answer,
        ensemble=None if answer is None else _ensemble(trainings, answer),
    )


def _ensemble(trainings: StudyTrainings, answer: StudyAnswer) -> Model | None:
    """Return the ensemble that the study hands out; None where that is one training.

    Raises `ModelError` where the weights of one of its trainings are gone.
    """
    if not answer.is_ensemble:
        return None
    members = answer.used.members
    trials = [trainings.trial_of(each) for each in members]
    gone = [each for each, trial in zip(members, trials, strict=True) if trial is None]
    on_all = [trainings.trial_on_all(each) for each in members] if answer.used.all_rows and not gone else []
    gone += [each for each, trial in zip(members, on_all, strict=bool(on_all)) if trial.load() is None]
    if gone:
        raise ModelError(
            f"the ensemble of study {trainings.name!r} has lost the weights of trial {gone[0].number} of "
            f"{gone[0].study!r}",
            hint=f"--trial {trainings.chosen.trial.number} takes one model; "
            f"{trainings.store.location.command('resume', trainings.name)} makes another ensemble",
        )
    counts = [each.count for each in members]
    return trainings.objective.final_model([each for each in trials if each is not None], counts, on_all).model


def _made(objective: Objective, trial: Trial) -> Model | None:
    try:
        return objective.model(trial)
    except TunerError:
        raise
    except BaseException as error:
        if not is_failure_here(error):
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"  # torch's have a line for each weight
        raise ModelError(
            f"{type(objective).__name__} cannot make the model of trial {trial.number}: {reason}",
            hint="has its code changed since the trial was trained?",
        ) from error
