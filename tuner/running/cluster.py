"""The cluster that a study joins: which one, what it has, and whether each of its nodes has what trials need."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tuner.domain.capacity import Capacity
from tuner.domain.places import Cluster
from tuner.domain.study import StudySpec
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.lookup import data_fingerprint

RAY = "ray"
_VARIABLE = "RAY_ADDRESS"
"""What Ray's own tools, and `ray job submit`, name a cluster with."""

_DOOR = "tuner.execution.ray.cluster"
_CHECK = "tuner.execution.ray.node_check"
"""Ray's modules, by name: what does not use a cluster never imports them."""


def joined(spec: StudySpec) -> Cluster | None:
    """Return the cluster that the study joins, with its address; None where it runs on this machine alone."""
    address = spec.cluster.address or os.environ.get(_VARIABLE, "")
    return None if spec.executor != RAY or address in {"", "local"} else replace(spec.cluster, address=address)


def joined_capacity(spec: StudySpec, folder: Path) -> Capacity | None:
    """Join the study's cluster, and return what its nodes have; None where it has none.

    Raises `ClusterError` where it cannot be joined.
    """
    cluster = joined(spec)
    if cluster is None:
        return None
    door = import_module(_DOOR)
    door.join(cluster, folder if sends_code(spec, folder) else None)
    found: Capacity = door.capacity()
    return found


def sends_code(spec: StudySpec, folder: Path) -> bool:
    """Whether the study's folder travels to the nodes: where it asks for that, and has what trials need."""
    is_shipped = isinstance(spec.objective, str) and ":" not in spec.objective
    paths = [Path(value) for value in spec.settings.values() if isinstance(value, str) and value.startswith("/")]
    return spec.cluster.send_code and not (is_shipped and not any(path.is_relative_to(folder) for path in paths))


def on_cluster(components: RunComponents, folder: Path) -> RunComponents:
    """Return the components of a study that joins a cluster, once each of its nodes has what trials need.

    Those of another study stay as they are. Raises `ConfigurationError` that names every node that lacks something.
    """
    spec = components.spec
    cluster = joined(spec)
    if cluster is None or components.capacity is None:
        return components
    worker_spec = replace(components.worker_spec, cluster=cluster, sends_code=sends_code(spec, folder))
    fingerprint = data_fingerprint(spec, folder)
    import_module(_CHECK).check_nodes(worker_spec, fingerprint, partial(fingerprint_there, spec))
    said = joining_note(spec, cluster, components.capacity)
    return replace(components, worker_spec=worker_spec, notes=(said, *components.notes))


def fingerprint_there(spec: StudySpec, settings: Mapping[str, Any], folder: Path) -> str | None:
    """Return the fingerprint of the data as a node has it, whose settings and folder these are."""
    return data_fingerprint(replace(spec, settings=settings), folder)


def joining_note(spec: StudySpec, cluster: Cluster, capacity: Capacity) -> str:
    """Return which cluster is joined and what it has, in words."""
    source = "" if spec.cluster.address else f" ({_VARIABLE})"
    has = f"{amount(len(capacity.nodes), 'node')}, {capacity.cpu:g} CPUs"
    gpus = f", {capacity.gpu:g} GPUs" if capacity.gpu else ""
    return f"joins the Ray cluster at {cluster.address}{source}: {has}{gpus}"
