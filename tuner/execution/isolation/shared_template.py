"""A template that the workers of a run share: it imports the objective while Ray and the workers start."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path

from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.isolation.messages import Launch
from tuner.execution.isolation.template_handle import end_template, start_template

_ADDRESS = "template"

_WORKERS = 1024
"""How many may wait to be let in while the objective is imported."""


@contextmanager
def shared_template(worker_spec: WorkerSpec, folder: Path) -> Iterator[Path | None]:
    """Start a template, and yield the address, a socket in `folder`, at which workers join it; None where none helps.

    Where the objective fails to be imported, or what it imports cannot be forked, the template ends, and each worker
    finds out with one of its own: that is the failure of a trial, described in its log. With a GPU each worker has its
    own anyway, since it may see another device.
    """
    if worker_spec.isolation is Isolation.NONE or worker_spec.device != "cpu":
        yield None
        return
    address = folder / _ADDRESS
    mine, its = socket.socketpair()
    control = Connection(mine.detach())
    with tempfile.TemporaryFile() as output, socket.socket(socket.AF_UNIX) as listener, its:
        listener.bind(str(address))
        listener.listen(_WORKERS)
        try:
            process = start_template(worker_spec, its.fileno(), output.fileno())
        except OSError:  # a folder that is gone: a worker's own template says so
            control.close()
            yield None
            return
        with suppress(ConnectionError):  # it has died already: workers start their own
            control.send(Launch(worker_spec, forks=True, shared=True))
            send_handle(control, listener.fileno(), process.pid)
    try:
        yield address
    finally:
        control.close()
        end_template(process)
