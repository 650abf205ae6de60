"""Event files that TensorBoard shows: scalars by epoch, and a row per trial under HPARAMS."""

import json
import shlex
import socket
import time
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.tracker import Entry, TrackedStudy, Tracker, run_name, tags
from tuner.domain.trial import TrialRecord, TrialState
from tuner.system.files import private

__all__ = ["TensorBoardTracker"]

_HPARAM = (bool, int, float, str)


@final
class TensorBoardTracker(Tracker):
    """Writes `PLACE/trial-00012/events.out.tfevents...`, with TensorBoard's own writer: one that imports no torch.

    A run of the study begins a new file in a trial's folder and has TensorBoard forget what older files say of the
    epochs from there on: what a killed run had not stored yet is trained, and written, again.
    """

    package: ClassVar[str] = "tensorboard"

    @classmethod
    def place(cls, where: str, folder: Path, study: TrackedStudy) -> str:
        return str(Path(where).expanduser().absolute() if where else folder / "tensorboard" / study.folder_name)

    @classmethod
    def opening(cls, place: str) -> str:
        return f"tensorboard --logdir {shlex.quote(place)}"

    def __init__(self, study: TrackedStudy, place: str) -> None:
        self._study = study
        self._folder = private(Path(place))
        self._proto = _Proto()
        self._files: dict[int, Any] = {}
        self._begun: set[int] = set()

    def write(self, entry: Entry) -> None:
        trial = entry.trial
        file = self._files.get(trial.number) or self._begin(entry)
        for epoch, metrics in entry.rows:
            self._scalars(file, metrics, epoch)
        tested = entry.test_metrics or {}
        self._scalars(file, {f"test/{name}": value for name, value in tested.items()}, trial.epoch)
        if entry.ends:
            self._end(file, trial)
        file.flush()
        if trial.state.is_finished:
            self._files.pop(trial.number).close()

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _begin(self, entry: Entry) -> Any:
        trial, proto = entry.trial, self._proto
        folder = private(self._folder / run_name(trial))
        # Two files of one trial that were begun in the same second are in order by what is counted here.
        path = folder / f"events.out.tfevents.{time.time_ns():020d}.{socket.gethostname()}"
        file = self._files[trial.number] = proto.writer(path.open("wb"))
        file.write(proto.event(file_version="brain.Event:2"))
        if trial.number in self._begun:  # it was over, and now is tested
            return file
        self._begun.add(trial.number)
        first = next((epoch for epoch, _ in entry.rows), trial.last_epoch + 1)
        file.write(proto.event(step=first, session_log=proto.start))
        params = {path: value if isinstance(value, _HPARAM) else str(value) for path, value in self._params(trial)}
        file.write(proto.event(summary=proto.began(params, run_name(trial))))
        file.write(proto.event(summary=proto.text("tuner", json.dumps(dict(tags(self._study, trial))))))
        return file

    def _params(self, trial: TrialRecord) -> list[tuple[str, Any]]:
        return list(self._study.params(trial).items())

    def _end(self, file: Any, trial: TrialRecord) -> None:
        if trial.value is not None:
            self._scalars(file, {f"best/{self._study.metric}": trial.value}, trial.epoch)
        for summary in self._proto.ended(trial):
            file.write(self._proto.event(step=trial.last_epoch, summary=summary))

    def _scalars(self, file: Any, metrics: Any, epoch: int) -> None:
        for name, value in metrics.items():
            file.write(self._proto.event(step=epoch, summary=self._proto.scalar(name, value)))


@final
class _Proto:
    """TensorBoard's messages, serialized; made of its own modules, which take their time to import."""

    def __init__(self) -> None:
        self.writer = import_module("tensorboard.summary.writer.record_writer").RecordWriter
        events = import_module("tensorboard.compat.proto.event_pb2")
        self._event = events.Event
        self.start = events.SessionLog(status=events.SessionLog.START)
        self._summary = import_module("tensorboard.compat.proto.summary_pb2").Summary
        self._tensor = import_module("tensorboard.util.tensor_util").make_tensor_proto
        self._text = import_module("tensorboard.plugins.text.metadata").create_summary_metadata
        self._hparams = import_module("tensorboard.plugins.hparams.summary_v2").hparams_pb
        self._metadata = import_module("tensorboard.plugins.hparams.metadata")
        self._data = import_module("tensorboard.plugins.hparams.plugin_data_pb2")
        self._api = import_module("tensorboard.plugins.hparams.api_pb2")

    def event(self, **fields: Any) -> bytes:
        """Return an event of this moment."""
        written: bytes = self._event(wall_time=time.time(), **fields).SerializeToString()
        return written

    def scalar(self, name: str, value: float) -> Any:
        return self._summary(value=[self._summary.Value(tag=name, simple_value=value)])

    def text(self, name: str, value: str) -> Any:
        metadata = self._text(display_name=name, description="")
        return self._summary(value=[self._summary.Value(tag=name, metadata=metadata, tensor=self._tensor([value]))])

    def began(self, params: dict[str, Any], name: str) -> Any:
        """Return the row of a trial under HPARAMS."""
        return self._hparams(params, trial_id=name)

    def ended(self, trial: TrialRecord) -> list[Any]:
        """Return how a trial ended, for HPARAMS and in a word."""
        api, metadata = self._api, self._metadata
        status = api.STATUS_FAILURE if trial.state is TrialState.FAIL else api.STATUS_SUCCESS
        end = self._data.SessionEndInfo(status=status, end_time_secs=time.time())
        content = metadata.create_summary_metadata(self._data.HParamsPluginData(session_end_info=end))
        value = self._summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)
        failure = f": {trial.failure.message}" if trial.failure else ""
        return [self._summary(value=[value]), self.text("state", trial.state.value + failure)]
