"""Tune PyTorch models: search spaces in, the best configuration out, nothing lost in between."""

import sys

# Where another process gave its own words to this one, as `multiprocessing` does, there may be more than it began with.
_NAMED = "".join(sys.orig_argv[-max(1, len(sys.argv)) :][:1])
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and _NAMED.removeprefix("-m").startswith("tuner"):
    # `python -m tuner.cli` puts the working directory first: nothing may be imported from it that was not named.
    _FIRST = sys.path.pop(0)
    if __file__.startswith(f"{_FIRST}/tuner/") and _FIRST not in sys.path:
        sys.path.append(_FIRST)  # it is the folder that `tuner` itself lies in

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tuner.domain.callback import Callback
from tuner.domain.choice import Choice
from tuner.domain.current_trial import current_trial, report
from tuner.domain.decision import Decision
from tuner.domain.errors import (
    ConfigurationError,
    ModelError,
    NoTrialError,
    NoUsableTrialError,
    OwnCodeError,
    ResumeRefusedError,
    SearchSpaceError,
    StopStudy,
    StopTrial,
    StorageError,
    StudyExistsError,
    StudyInterrupted,
    StudyNotFoundError,
    TooManyFailuresError,
    TunerError,
    UntrustedCodeError,
    nearest,
)
from tuner.domain.executor import Executor
from tuner.domain.model import Model
from tuner.domain.number import Float, Int
from tuner.domain.objective import Cohort, Objective, share_process
from tuner.domain.resources import Limits, Resources
from tuner.domain.run_controller import StopCause
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Budget, Component, Direction, StudySpec
from tuner.domain.tracker import Tracker
from tuner.domain.trial import Failure, FailureReason, Trial, TrialRecord, TrialState

__version__ = "0.1.0"

__all__ = [
    "AskTellStudy",
    "AskedTrial",
    "Budget",
    "Callback",
    "Choice",
    "Cohort",
    "Component",
    "ConfigurationError",
    "Decision",
    "Direction",
    "Dropout",
    "Executor",
    "Failure",
    "FailureReason",
    "Float",
    "Int",
    "Limits",
    "Model",
    "ModelError",
    "NoTrialError",
    "NoUsableTrialError",
    "Objective",
    "OwnCodeError",
    "OwnModel",
    "Proposals",
    "Resources",
    "ResumeRefusedError",
    "Sampler",
    "Scheduler",
    "SearchSpace",
    "SearchSpaceError",
    "StopCause",
    "StopStudy",
    "StopTrial",
    "StorageError",
    "Study",
    "StudyExistsError",
    "StudyInterrupted",
    "StudyNotFoundError",
    "StudySpec",
    "Task",
    "TooManyFailuresError",
    "Tracker",
    "Trial",
    "TrialRecord",
    "TrialState",
    "TunerError",
    "UntrustedCodeError",
    "create_study",
    "current_trial",
    "load_model",
    "load_study",
    "report",
    "run",
    "share_process",
]

# A search space file imports this package: it should not pay for a database driver, nor for torch. Type checkers are
# shown plain imports, and not the function that stands for them, which would make every misspelt name `Any`.
if TYPE_CHECKING:
    from tuner.api import Study, load_model, load_study, run
    from tuner.objectives._tasks import Task
    from tuner.objectives.training.module_objective import Dropout, OwnModel
    from tuner.running.ask_tell import AskedTrial, AskTellStudy
    from tuner.running.create_study import create_study
    from tuner.samplers._proposals import Proposals
else:
    _LAZY = {
        "AskTellStudy": "tuner.running.ask_tell",
        "AskedTrial": "tuner.running.ask_tell",
        "Dropout": "tuner.objectives.training.module_objective",
        "OwnModel": "tuner.objectives.training.module_objective",
        "Proposals": "tuner.samplers._proposals",
        "Study": "tuner.api",
        "Task": "tuner.objectives._tasks",
        "create_study": "tuner.running.create_study",
        "load_model": "tuner.api",
        "load_study": "tuner.api",
        "run": "tuner.api",
    }

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return getattr(import_module(_LAZY[name]), name)
        raise AttributeError(f"module 'tuner' has no attribute {name!r}{nearest(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
