"""What a trained trial has saved, and its metrics on data that the search never saw."""

from collections.abc import Mapping
from typing import Any

from tuner.domain.trial import Metrics, Trial
from tuner.objectives.training.cohort import TrainerSource
from tuner.objectives.training.loop import evaluate
from tuner.objectives.training.model_cost import footprint


def saved_state(trial: Trial, purpose: str) -> Mapping[str, Any]:
    """Return the state of a trial's best epoch; raises `ValueError`, with its purpose, where there is none."""
    state = trial.load()
    if state is None:
        raise ValueError(f"trial {trial.number} has no saved state to {purpose}")
    return state


def tested(source: TrainerSource, trial: Trial) -> Metrics:
    """Return the metrics of the trial's saved state on the test split; raises `ValueError` where it has saved none."""
    state = saved_state(trial, "test")
    data = source.data(trial)
    learner = source.learner(trial, data, state)
    return evaluate(learner, data, data.test, trial.rows) | footprint(learner, data, source.wanted)
