"""Whether each node of a cluster has what a study's trials need, found out before the study is made."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuner.domain.errors import ConfigurationError, TunerError
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.objectives import find_objective
from tuner.execution.on_node import on_this_node
from tuner.execution.ray.module_path import follow_driver
from tuner.storage.url_store import UrlStore
from tuner.system.files import private

_PACKAGES = ("tuner", "torch", "numpy", "optuna")

_SECONDS = 120.0
"""How long a node may take to answer where the study has no limit for the start of a worker."""

Fingerprint = Callable[[Mapping[str, Any], Path], str | None]
"""Returns the fingerprint of the data that settings name, for an objective whose module is in a folder."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a node has to agree with."""

    versions: Mapping[str, str]
    fingerprint: str | None
    fingerprint_of: Fingerprint
    probe: str


def check_nodes(worker_spec: WorkerSpec, fingerprint: str | None, fingerprint_of: Fingerprint) -> None:
    """Raise `ConfigurationError` that names every node of the joined cluster that lacks something, with what it lacks.

    A task on each node compares versions, looks for the objective's module and the data, and writes and reads where
    checkpoints are kept.
    """
    probe = f".tuner-{secrets.token_hex(8)}"
    expected = Expected(versions=versions_here(), fingerprint=fingerprint, fingerprint_of=fingerprint_of, probe=probe)
    shared = None if worker_spec.folders.store else private(worker_spec.folders.checkpoints.parent) / probe
    if shared is not None:
        shared.write_text(probe)
    try:
        problems = [*_problems(worker_spec, expected)]
    finally:
        if shared is not None:
            shared.unlink(missing_ok=True)
    if problems:
        raise ConfigurationError(
            problems,
            hint="nothing was stored; what nodes need, and how it gets there, is in the guide on Ray clusters",
        )


def _problems(worker_spec: WorkerSpec, expected: Expected) -> Iterator[str]:
    task = ray.remote(num_cpus=0, max_retries=0)(lacks)
    handed_over = ray.put((worker_spec, expected))
    asked = {}
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU", 0) >= 1:
            pinned = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[task.options(scheduling_strategy=pinned).remote(handed_over)] = node["NodeManagerAddress"]
    seconds = worker_spec.limits.start or _SECONDS
    done, late = ray.wait([*asked], num_returns=len(asked), timeout=seconds) if asked else ([], [])
    for answer in done:
        try:
            yield from (f"node {asked[answer]}: {problem}" for problem in ray.get(answer))
        except Exception as error:  # noqa: BLE001 - whatever keeps a task from running there is what the node lacks
            yield f"node {asked[answer]}: the check could not run: {_last_line(error)}"
    yield from (f"node {asked[each]}: no answer within {seconds:g} s" for each in late)


def lacks(handed_over: tuple[WorkerSpec, Expected]) -> list[str]:
    """Return what this node lacks, one line each."""
    worker_spec, expected = handed_over
    here = on_this_node(worker_spec)
    if here.surroundings is not None:
        follow_driver(here.surroundings.module_path)
    return [*_other_versions(expected), *_objective_and_data(here, expected), *_store(here, expected)]


def versions_here() -> dict[str, str]:
    """Return the versions of the packages that all nodes have to share; "none" for one that is not installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def _other_versions(expected: Expected) -> Iterator[str]:
    for package, here in versions_here().items():
        there = expected.versions[package]
        if here.partition("+")[0] != there.partition("+")[0]:  # builds for a GPU and for none are the same version
            yield f"{package} is {here} there and {there} here"


def _objective_and_data(here: WorkerSpec, expected: Expected) -> Iterator[str]:
    try:
        if here.isolation is Isolation.NONE or isinstance(here.objective, str):
            find_objective(here)
        found = expected.fingerprint_of(here.settings, here.folder)
    except TunerError as error:
        yield str(error)
    except Exception as error:  # noqa: BLE001 - a person's module raises whatever it likes
        yield f"the objective cannot be imported: {type(error).__name__}: {error}"
    else:
        if found != expected.fingerprint:
            yield f"the data of settings.dataset = {here.settings.get('dataset')!r} is not what it is here"


def _store(here: WorkerSpec, expected: Expected) -> Iterator[str]:
    if here.folders.store:
        try:
            UrlStore(here.folders.store).check(f"{expected.probe}-{os.getpid()}")
        except TunerError as error:
            yield str(error)
        return
    folder = here.folders.checkpoints.parent
    probe = folder / expected.probe
    try:
        seen = probe.read_text() == expected.probe
    except OSError:
        seen = False
    if not seen or not os.access(folder, os.W_OK):
        yield (
            f"it does not share {folder}, where checkpoints are kept: keep them where every node reaches them, "
            'storage.checkpoints = "s3://bucket/prefix" or the path of a shared folder'
        )


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
