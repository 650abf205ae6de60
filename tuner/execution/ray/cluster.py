"""A Ray cluster that others run: joined for a study, its nodes counted, left at the end."""

import atexit
import logging
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray._private import services, worker
from ray._private.runtime_env import packaging
from ray._raylet import Config  # type: ignore[attr-defined]
from ray.tune import registry

from tuner.domain.capacity import Capacity, NodeCapacity
from tuner.domain.errors import ClusterError, ConfigurationError
from tuner.domain.places import Cluster
from tuner.execution.ray.lean_start import silent_about_deaths
from tuner.formatting.values import size
from tuner.registry.import_path import stand_ins

ALWAYS_LEFT_OUT = (".tuner/", ".git/", ".venv/", "__pycache__/", "*.pyc")

_ON_NODES = {"RAY_CHDIR_TO_TRIAL_DIR": "0", "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0"}

_RAY_WAITS_SECONDS = 300
"""How long Ray's own calls wait for a head that does not answer, before Ray ends the process: we look ourselves."""

_CONNECTING_SECONDS = 5.0

_LISTED = 3


def join(cluster: Cluster, folder: Path | None) -> None:
    """Join a cluster, unless this process has joined one; `folder` travels to its nodes (None: nothing does).

    Raises `ClusterError` where it cannot be reached, and `ConfigurationError` where what travels is too large, or would
    be imported there in place of what is installed.
    """
    if ray.is_initialized():
        return
    _refuse_silent(cluster.address)
    environment: dict[str, Any] = {"env_vars": {**_ON_NODES, **_given(cluster.env)}}
    if folder is not None:
        excludes = [*ALWAYS_LEFT_OUT, *cluster.exclude]
        refuse_stand_ins(folder, excludes)
        refuse_large(folder, excludes, cluster.code_limit)
        environment |= {"working_dir": str(folder), "excludes": excludes}
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(_RAY_WAITS_SECONDS))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    Config.initialize("")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    try:
        with silent_about_deaths():
            ray.init(
                address=cluster.address, runtime_env=environment, log_to_driver=False, logging_level=logging.CRITICAL
            )
    except Exception as error:
        raise _not_joined(cluster.address, f"{type(error).__name__}: {_first_line(error)}") from error


def _not_joined(address: str, why: str) -> ClusterError:
    return ClusterError(
        f"the Ray cluster at {address} cannot be joined: {why}",
        hint="is `ray status` fine there, and are its versions of Ray and Python those of this machine? "
        "without --address, [cluster] address and RAY_ADDRESS a study runs on this machine alone",
    )


def _refuse_silent(address: str) -> None:
    """Raise `ClusterError` where nothing listens at an address: Ray would end the process after a while."""
    found = services.canonicalize_bootstrap_address("auto") if address == "auto" else address
    if not found:
        raise _not_joined(address, "no cluster is running on this machine")
    host, colon, port = found.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        raise ConfigurationError(f"cluster.address: {address!r} is not auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECTING_SECONDS).close()
    except OSError as error:
        raise _not_joined(address, f"nothing answers at {host}:{port} ({error.strerror or error})") from error


def leave() -> None:
    """Leave the cluster; nothing happens where none was joined."""
    ray.shutdown()


def forget() -> None:
    """Let this process end without leaving a cluster whose head is lost: Ray would wait for that."""
    atexit.unregister(worker.shutdown)
    registry._global_registry._registered.clear()  # noqa: SLF001 - what it would delete there at the end


def capacity() -> Capacity:
    """Return what the nodes of the joined cluster have now."""
    nodes = (node["Resources"] for node in ray.nodes() if node["Alive"])
    return Capacity(tuple(NodeCapacity(has.get("CPU", 0.0), has.get("GPU", 0.0)) for has in nodes))


def _given(names: Iterable[str]) -> dict[str, str]:
    """Return the variables of these names as they are here; raises `ConfigurationError` for those that are not set."""
    unset = [name for name in names if name not in os.environ]
    if unset:
        raise ConfigurationError([f"cluster.env: {name} is not set here" for name in unset])
    return {name: os.environ[name] for name in names}


def refuse_stand_ins(folder: Path, excludes: Sequence[str]) -> None:
    """Raise `ConfigurationError` where modules that travel have the names of installed ones that workers need.

    On the nodes Ray puts the folder before all that is installed: a `numpy.py` in it would run in every worker.
    """
    left_out = {each.rstrip("/") for each in excludes}
    found = [(path, other) for path, other in stand_ins(folder) if path.name not in left_out]
    if found:
        names = ", ".join(f'"{path.name}"' for path, _ in found)
        raise ConfigurationError(
            [f"cluster: {path} would be imported on the nodes in place of {other}" for path, other in found],
            hint=f"rename it, or leave it out: cluster.exclude = [{names}]",
        )


def refuse_large(folder: Path, excludes: Sequence[str], limit: int) -> None:
    """Raise `ConfigurationError` where a folder without what is excluded has more bytes than may travel."""
    sizes: dict[str, int] = {}

    def count(path: Path) -> None:
        if path.is_file():
            top = path.relative_to(folder).parts[0]
            sizes[top] = sizes.get(top, 0) + path.stat().st_size

    packaging._dir_travel(  # noqa: SLF001 - what it leaves out is what Ray does
        folder,
        [packaging._get_excludes(folder, [*excludes])],  # noqa: SLF001
        count,
        include_gitignore=True,
    )
    total = sum(sizes.values())
    if total > limit:
        largest = sorted(sizes, key=lambda top: -sizes[top])[:_LISTED]
        parts = ", ".join(f"{top} {size(sizes[top])}" for top in largest)
        raise ConfigurationError(
            f"cluster: {size(total)} of {folder} would travel to the nodes, cluster.code_limit is {size(limit)} "
            f"(largest: {parts})",
            hint='leave out what trials do not need, cluster.exclude = ["data/"], or where the code is on the nodes '
            "already: cluster.send_code = false",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
