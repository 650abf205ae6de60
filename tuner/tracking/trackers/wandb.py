"""Weights & Biases: a project per study, a run per trial; offline unless $WANDB_MODE says otherwise."""

import os
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.tracker import Entry, TrackedStudy, Tracker, run_name, tags
from tuner.domain.trial import TrialRecord
from tuner.system.files import private

__all__ = ["WandbTracker"]

_MODE = "WANDB_MODE"
_OFFLINE = "offline"


@final
class WandbTracker(Tracker):
    """Writes runs that `wandb sync` uploads, or, with $WANDB_MODE=online and a login made before, uploads them at once.

    Nothing about the machine, the code and its repository is uploaded. `PLACE` is a folder, `PLACE#PROJECT` or
    `PLACE#TEAM/PROJECT`: what a person gives is the latter part.
    """

    package: ClassVar[str] = "wandb"
    has_service: ClassVar[bool] = True

    @classmethod
    def place(cls, where: str, folder: Path, study: TrackedStudy) -> str:
        return f"{folder}#{where or study.name.replace(':', '-')}"

    @classmethod
    def opening(cls, place: str) -> str:
        if _mode() != _OFFLINE:
            return "https://wandb.ai"
        return f"wandb sync {shlex.quote(place.rpartition('#')[0])}/wandb/offline-run-*"

    def __init__(self, study: TrackedStudy, place: str) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        folder, _, project = place.rpartition("#")
        self._wandb = import_module("wandb")
        if _mode() == "online" and not self._wandb.api.api_key:
            raise RuntimeError(
                "wandb is not logged in; run `wandb login` first"
            )  # it would ask, in the middle of the run
        self._study = study
        self._entity, _, self._project = project.rpartition("/")
        self._settings = self._wandb.Settings(
            mode=_mode(),
            root_dir=str(private(Path(folder))),
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        self._wandb.setup(self._settings)  # starts the service, which ends with this process
        self._runs: dict[int, Any] = {}

    def write(self, entry: Entry) -> None:
        trial = entry.trial
        run = self._runs.get(trial.number) or self._begin(trial)
        for epoch, metrics in entry.rows:
            run.log(dict(metrics), step=epoch)
        run.summary["state"] = trial.state.value
        if trial.failure is not None:
            run.summary["failure"] = trial.failure.message
        if entry.ends and trial.value is not None:
            run.summary[f"best/{self._study.metric}"] = trial.value
            run.summary["best/epoch"] = trial.epoch
        for name, value in (entry.test_metrics or {}).items():
            run.summary[f"test/{name}"] = value
        if trial.state.is_finished:
            self._runs.pop(trial.number).finish(exit_code=0 if trial.failure is None else 1)

    def close(self) -> None:
        for run in self._runs.values():
            run.finish()

    def _begin(self, trial: TrialRecord) -> Any:
        found = tags(self._study, trial)
        run = self._runs[trial.number] = self._wandb.init(
            entity=self._entity or None,
            project=self._project,
            group=self._study.name,
            id=found["tuner.id"],
            name=run_name(trial),
            config={**self._study.params(trial), **found},
            tags=[f"study:{self._study.name}"[:64], f"trial:{trial.number}"],
            reinit="create_new",
            resume="allow",
            settings=self._settings,
        )
        return run


def _mode() -> str:
    return os.environ.get(_MODE, _OFFLINE)
