"""Tune PyTorch models: search spaces in, the best configuration out, nothing lost in between."""

from importlib import import_module
from typing import Any

from tuner.domain.decision import Decision
from tuner.domain.director import StopCause
from tuner.domain.errors import (
    ConfigurationError,
    ModelError,
    NoUsableTrialError,
    ResumeRefusedError,
    SearchSpaceError,
    StorageError,
    StudyExistsError,
    StudyInterrupted,
    StudyNotFoundError,
    TooManyFailuresError,
    TunerError,
)
from tuner.domain.model import Model
from tuner.domain.objective import Cohort, Objective
from tuner.domain.parameter import Choice, Float, Int
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Budget, Component, Direction, Limits, Resources, StudySpec
from tuner.domain.trial import Failure, FailureReason, Trial, TrialRecord, TrialState

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Choice",
    "Cohort",
    "Component",
    "ConfigurationError",
    "Decision",
    "Direction",
    "Failure",
    "FailureReason",
    "Float",
    "Int",
    "Limits",
    "Model",
    "ModelError",
    "NoUsableTrialError",
    "Objective",
    "Resources",
    "ResumeRefusedError",
    "SearchSpace",
    "SearchSpaceError",
    "StopCause",
    "StorageError",
    "Study",
    "StudyExistsError",
    "StudyInterrupted",
    "StudyNotFoundError",
    "StudySpec",
    "TooManyFailuresError",
    "Trial",
    "TrialRecord",
    "TrialState",
    "TunerError",
    "load_model",
    "load_study",
    "run",
]

_LAZY = ("Study", "load_model", "load_study", "run")


def __getattr__(name: str) -> Any:
    # A search space file imports this package; it should not pay for a database driver.
    if name in _LAZY:
        return getattr(import_module("tuner.api"), name)
    raise AttributeError(f"module 'tuner' has no attribute {name!r}")
