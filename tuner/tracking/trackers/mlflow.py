"""MLflow: an experiment per study, a run per trial, in a local database or on a server."""

import logging
import os
import re
import shlex
import time
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.tracker import Entry, TrackedStudy, Tracker, run_name, tags
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.redaction import redacted
from tuner.system.files import private

__all__ = ["MlflowTracker"]

_STATUS = {
    TrialState.WAITING: "SCHEDULED",
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",
    TrialState.FAIL: "FAILED",
}
_SQLITE = "sqlite:///"
_LONGEST = 5000
"""As many characters of a text as MLflow takes for sure."""

_FORBIDDEN = re.compile(r"[^\w\-. :/]")
"""What MLflow takes in no name."""

_PER_CALL = 900
"""MLflow takes a thousand metrics in a call."""

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # On the way to a server that is down it would try again for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


@final
class MlflowTracker(Tracker):
    """Writes with MLflow's client, which has no current run to mix trials up: they take turns."""

    package: ClassVar[str] = "mlflow"

    @classmethod
    def place(cls, where: str, folder: Path, study: TrackedStudy) -> str:
        where = where or os.environ.get("MLFLOW_TRACKING_URI", "")
        if "://" in where or where.startswith("databricks"):
            return where
        return f"{_SQLITE}{Path(where).expanduser().absolute() if where else folder / 'mlflow.db'}"

    @classmethod
    def opening(cls, place: str) -> str:
        if place.startswith(("http://", "https://")):
            return redacted(place)
        return f"mlflow ui --backend-store-uri {shlex.quote(redacted(place))}"

    def __init__(self, study: TrackedStudy, place: str) -> None:
        for key, value in _QUIET.items():
            os.environ.setdefault(key, value)
        if place.startswith(_SQLITE):
            _make_private(Path(place.removeprefix(_SQLITE)))
        self._study = study
        self._entities = import_module("mlflow.entities")
        for talkative in ("mlflow", "alembic"):
            logging.getLogger(talkative).setLevel(logging.WARNING)
        self._client = import_module("mlflow").MlflowClient(place)
        self._experiment = self._find_experiment(place)
        self._runs: dict[int, str] = {}
        self._told: dict[int, TrialState] = {}

    def write(self, entry: Entry) -> None:
        trial = entry.trial
        run = self._runs.get(trial.number) or self._begin(trial)
        now = int(time.time() * 1000)
        rows = [(name, value, epoch) for epoch, metrics in entry.rows for name, value in metrics.items()]
        rows += [(f"test/{name}", value, trial.epoch) for name, value in (entry.test_metrics or {}).items()]
        if entry.ends and trial.value is not None:
            rows.append((f"best/{self._study.metric}", trial.value, trial.epoch))
        metric = self._entities.Metric
        metrics = [metric(_named(name), float(value), now, epoch) for name, value, epoch in rows]
        for first in range(0, len(metrics), _PER_CALL):
            self._client.log_batch(run, metrics=metrics[first : first + _PER_CALL])
        self._tell_state(run, trial)

    def close(self) -> None:
        pass  # every call was answered

    def _find_experiment(self, place: str) -> str:
        found = self._client.get_experiment_by_name(self._study.name)
        if found is not None:
            return str(found.experiment_id)
        local = Path(place.removeprefix(_SQLITE)).with_name("mlflow-artifacts")
        artifacts = local.as_uri() if place.startswith(_SQLITE) else None
        return str(self._client.create_experiment(self._study.name, artifact_location=artifacts))

    def _begin(self, trial: TrialRecord) -> str:
        run = self._runs[trial.number] = self._earlier(trial) or self._created(trial)
        return run

    def _earlier(self, trial: TrialRecord) -> str | None:
        """Return the run that an earlier run of the study began for the trial."""
        if trial.number not in self._study.earlier:
            return None
        wanted = f"tags.`tuner.id` = '{self._study.identity(trial)}'"
        found = self._client.search_runs([self._experiment], wanted, max_results=1)
        return str(found[0].info.run_id) if found else None

    def _created(self, trial: TrialRecord) -> str:
        created = self._client.create_run(
            self._experiment, run_name=run_name(trial), tags=dict(tags(self._study, trial))
        )
        run = str(created.info.run_id)
        params = self._study.params(trial).items()
        param = self._entities.Param
        self._client.log_batch(run, params=[param(_named(path), str(value)[:_LONGEST]) for path, value in params])
        return run

    def _tell_state(self, run: str, trial: TrialRecord) -> None:
        if self._told.get(trial.number) is trial.state:
            return
        self._told[trial.number] = trial.state
        self._client.set_tag(run, "tuner.state", trial.state.value)
        if trial.failure is not None:
            self._client.set_tag(run, "tuner.failure", trial.failure.message[:_LONGEST])
        if trial.state.is_finished:
            self._client.set_terminated(run, _STATUS[trial.state])
        else:
            self._client.update_run(run, status=_STATUS[trial.state])


def _make_private(file: Path) -> None:
    private(file.parent)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _named(name: str) -> Any:
    return _FORBIDDEN.sub("_", name)
