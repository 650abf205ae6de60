"""Experiment trackers, read back: with their own means where they have some."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tuner.testing import TrackedRun


def tensorboard_runs(place: str, _: str) -> dict[str, TrackedRun]:
    return {folder.name: _tensorboard_run(folder) for folder in Path(place).iterdir()}


def _tensorboard_run(folder: Path) -> TrackedRun:
    accumulator = import_module("tensorboard.backend.event_processing.event_accumulator").EventAccumulator
    metadata = import_module("tensorboard.plugins.hparams.metadata")
    events = accumulator(str(folder)).Reload()
    tags = events.Tags()
    content = events.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    params = metadata.parse_session_start_info_plugin_data(content).hparams
    texts = {
        tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode()
        for tag in {"tuner", "state"} & {*tags["tensors"]}
    }
    state, _, failure = texts.get("state", "RUNNING").partition(": ")
    return TrackedRun(
        params={
            key: str(value.string_value if value.HasField("string_value") else value.number_value)
            for key, value in params.items()
        },
        curves={tag: {each.step: each.value for each in events.Scalars(tag)} for tag in tags["scalars"]},
        facts={**json.loads(texts["tuner"]), "state": state, "failure": failure},
    )


def mlflow_runs(place: str, study: str) -> dict[str, TrackedRun]:
    client = import_module("mlflow").MlflowClient(place)
    experiment = client.get_experiment_by_name(study)
    found = client.search_runs([experiment.experiment_id])
    return {run.info.run_name: _mlflow_run(client, run) for run in found}


def _mlflow_run(client: Any, run: Any) -> TrackedRun:
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    tags = run.data.tags
    return TrackedRun(
        params=dict(run.data.params),
        curves={name: {each.step: each.value for each in history} for name, history in histories.items()},
        facts={**tags, "state": tags["tuner.state"], "failure": tags.get("tuner.failure", "")},
    )


def wandb_runs(place: str, study: str) -> dict[str, TrackedRun]:
    import_module("wandb").teardown()  # its service has written everything when it ends, as with the process
    runs: dict[str, TrackedRun] = {}
    for file in sorted(Path(place.rpartition("#")[0]).glob("wandb/offline-run-*/*.wandb")):
        records = [*_wandb_records(file)]
        about = next(record.run for record in records if record.HasField("run"))
        if about.run_group == study:
            _add_wandb(runs.setdefault(about.display_name, TrackedRun()), about, records)
    return runs


def _add_wandb(run: TrackedRun, about: Any, records: list[Any]) -> None:
    config = {_key(each): json.loads(each.value_json) for each in about.config.update}
    run.params.update(
        {key: str(value) for key, value in config.items() if key[0] != "_" and not key.startswith("tuner.")}
    )
    run.facts.update({"failure": "", **{key: value for key, value in config.items() if key.startswith("tuner.")}})
    for record in records:
        row = {_key(each): json.loads(each.value_json) for each in record.history.item}
        for name in (each for each in row if not each.startswith("_")):
            run.curves.setdefault(name, {})[row["_step"]] = row[name]
        run.facts.update({_key(each): str(json.loads(each.value_json)) for each in record.summary.update})
    for name in (each for each in run.facts if each.startswith(("best/", "test/")) and each != "best/epoch"):
        run.curves[name] = {int(run.facts["best/epoch"]): float(run.facts[name])}


def _key(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def _wandb_records(file: Path) -> Iterator[Any]:
    """Yield the records of a file that `wandb sync` would upload, which is a log in LevelDB's format."""
    record = import_module("wandb.proto.wandb_internal_pb2").Record
    content, at, begun = file.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, at)
        begun += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield record.FromString(begun)
            begun = b""


READ: Mapping[str, Callable[[str, str], dict[str, TrackedRun]]] = {
    "tensorboard": tensorboard_runs,
    "mlflow": mlflow_runs,
    "wandb": wandb_runs,
}
