"""A study's time on a Ray cluster: its nodes counted again and again, its head watched."""

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import final

import ray

from tuner.domain.errors import ClusterLostError, TunerError
from tuner.domain.resources import AUTO, Resources
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.ray import cluster
from tuner.execution.ray.place import Place
from tuner.execution.ray.session import ENVIRONMENT, alone, quiet_loggers

_COUNTED_EVERY_SECONDS = 2.0

_LOOKED_EVERY_SECONDS = 1.0

_LOST_AFTER = 8
"""So many looks in a row that find no head, with a second between them: one that restarts at once is not lost."""

_LEAVING_SECONDS = 5.0
"""How long what runs may take to notice that the head is lost."""

_MOST_PENDING = 10_000
"""How many trials Ray may hold: how many there are is decided by who hands them out."""


@contextmanager
def cluster_session(worker_spec: WorkerSpec, resources: Resources) -> Iterator[tuple[Place, "HeadWatch"]]:
    """Give the cluster that this process has joined as a place to run a study, and leave it at the end."""
    assert worker_spec.cluster is not None
    folder = Path(tempfile.mkdtemp(prefix="tuner-cluster-"))
    head = HeadWatch(_head_address(worker_spec.cluster.address))
    nodes = NodeCount(resources)
    before = {**os.environ}
    os.environ.update(ENVIRONMENT | {"TUNE_MAX_PENDING_TRIALS_PG": str(_MOST_PENDING)})
    with alone(), quiet_loggers(), head.watching():
        try:
            yield (
                Place(folder=folder, template=None, parallel=nodes.parallel, is_cluster=True, check=head.check),
                head,
            )
        finally:
            if head.is_lost:
                cluster.forget()
            else:
                cluster.leave()
            os.environ.clear()
            os.environ.update(before)
            shutil.rmtree(folder, ignore_errors=True)


def _head_address(address: str) -> tuple[str, int]:
    """Return where the head of the joined cluster listens, for this process: its clients have a port of their own."""
    is_client = ray.util.client.ray.is_connected()
    found = address.removeprefix("ray://") if is_client else ray.get_runtime_context().gcs_address
    host, _, port = found.rpartition(":")
    return host.strip("[]"), int(port)


@final
class NodeCount:
    """How many cohorts fit on the cluster's nodes, which come and go; a number that a study gives is kept."""

    def __init__(self, resources: Resources, clock: Callable[[], float] = time.monotonic) -> None:
        self._resources = resources
        self._clock = clock
        self._counted = 1
        self._next = float("-inf")

    def parallel(self) -> int:
        """Return how many cohorts run at a time; those that do not fit wait, and ask the cluster's autoscaler."""
        if self._resources.parallel != AUTO:
            return int(self._resources.parallel)
        if (now := self._clock()) >= self._next:
            self._next = now + _COUNTED_EVERY_SECONDS
            self._counted = cluster.capacity().cohorts_at_a_time(self._resources.num_cpus, self._resources.num_gpus)
        return self._counted


@final
class HeadWatch:
    """Looks whether the head of a cluster still listens: Ray itself notices it after minutes, and says so badly."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._ended = threading.Event()
        self._lost = threading.Event()

    @property
    def is_lost(self) -> bool:
        """Whether the head has not listened for a while."""
        return self._lost.is_set()

    @property
    def error(self) -> ClusterLostError:
        """What a run ends with whose cluster has lost its head."""
        host, port = self._address
        return ClusterLostError(
            f"the head of the Ray cluster at {host}:{port} is lost; everything that was reported is stored"
        )

    def check(self) -> None:
        """Raise `ClusterLostError` once the head is lost, or the run is to end for another reason."""
        if self._lost.is_set() or self._ended.is_set():
            raise self.error

    def run(self, act: Callable[[], None]) -> None:
        """Do something that calls Ray, and raise what that raises, or `ClusterLostError` once the head is lost.

        It is done on a thread of its own, which is left to itself then: Ray's calls wait for minutes for a head that is
        gone, and nothing interrupts them.
        """
        failed: list[BaseException] = []

        def do() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                failed.append(error)

        thread = threading.Thread(target=do, daemon=True, name="runs Ray's loop")
        thread.start()
        try:
            while thread.is_alive() and not self.is_lost:
                thread.join(_LOOKED_EVERY_SECONDS / 4)
            thread.join(_LEAVING_SECONDS if self.is_lost else None)
        except BaseException:
            self._ended.set()
            thread.join(_LEAVING_SECONDS)
            raise
        if thread.is_alive() or (failed and self.is_lost and not isinstance(failed[0], TunerError)):
            raise self.error
        if failed:
            raise failed[0]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the head on a thread meanwhile."""
        thread = threading.Thread(target=self._watch, daemon=True, name="watches the head")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        missed = 0
        while not self._ended.wait(_LOOKED_EVERY_SECONDS):
            missed = 0 if _listens(self._address) else missed + 1
            if missed >= _LOST_AFTER:
                self._lost.set()
                return


def _listens(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=_LOOKED_EVERY_SECONDS):
        return True
    return False
