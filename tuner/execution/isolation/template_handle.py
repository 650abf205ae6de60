"""The worker's end of a template process: started or joined, asked for trial processes, and ended."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import final

from tuner.domain.trial import Failure, FailureReason
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.isolation.messages import CannotFork, Ended, Launch, Ready, Spawn, Started
from tuner.execution.isolation.trial_process import interpreter
from tuner.execution.limit_failures import not_ready
from tuner.execution.threads import THREAD_VARIABLES
from tuner.execution.work_errors import WorkOverranError
from tuner.system.processes import descendants, kill_all

TERMINATION_SECONDS = 5.0
"""How long a process may take to end once it was sent SIGTERM, or its connection was closed."""

_NOTICING_SECONDS = 0.5
"""How long a template that has nothing left to end may take to end itself."""

_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "TUNER_RAY_FOLDER")
"""Variables that a worker has and the study's own process has not: its devices, and the mark of the run."""


@final
class TemplateHandle:
    """A connection to a template process, which `begin` has started or `join` has asked another one for."""

    def __init__(self, connection: socket.socket, seconds: float | None) -> None:
        self._control = Connection(os.dup(connection.fileno()))
        self._socket = connection
        self._seconds = seconds
        self._pid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: dict[int, int] = {}
        self.is_over = False

    @classmethod
    def begin(cls, worker_spec: WorkerSpec, log: int, *, forks: bool) -> "TemplateHandle":
        """Start a template of one's own, which prints into `log`; raises `WorkOverranError` where that cannot be."""
        mine, its = socket.socketpair()
        with its:
            handle = cls(mine, worker_spec.limits.start)
            try:
                handle._process = start_template(worker_spec, its.fileno(), log)
            except OSError as error:
                handle.close()
                message = f"a process cannot be started in {_folder(worker_spec)}: {error.strerror}"
                raise WorkOverranError(Failure(reason=FailureReason.RAISED, message=message)) from error
        with suppress(ConnectionError):  # it has died already: its answer says so
            handle._control.send(Launch(worker_spec, forks))
        return handle

    @classmethod
    def join(cls, address: Path, worker_spec: WorkerSpec) -> "TemplateHandle | None":
        """Ask the template that the workers of a run share for one of one's own; None where there is none."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(address))
        except OSError:  # it has ended, since it cannot be shared, or is on another machine
            connection.close()
            return None
        return cls(connection, worker_spec.limits.start)

    @property
    def control(self) -> Connection:
        """What a message of the template's, or its end, can be waited for at."""
        return self._control

    def answer(self) -> object:
        """Return what the template says next, `Failure` where that takes longer than limits.start, None if it died."""
        if not self._control.poll(self._seconds):
            self.close()
            return not_ready(self._seconds)
        answer = self._received()
        if isinstance(answer, Ready):
            self._pid = answer.pid
        return answer

    def spawn(self, log: int, modules: tuple[str, ...]) -> tuple[int, Connection] | CannotFork | None:
        """Start a trial process, and return its number and the connection to it; None where the template has died."""
        mine, its = socket.socketpair()
        with mine, its:
            try:
                self._control.send(Spawn(modules))
                for handle in (its.fileno(), log):
                    send_handle(self._control, handle, self._pid)
            except ConnectionError:
                self.is_over = True
                return None
            while isinstance(answer := self.answer(), Ended):
                self._ended[answer.pid] = answer.status
            if isinstance(answer, Started):
                self._ended.pop(answer.pid, None)  # of a process that had its number
                return answer.pid, Connection(mine.detach())
            self.is_over = True
            if isinstance(answer, Failure):
                raise WorkOverranError(answer)
            return answer if isinstance(answer, CannotFork) else None

    def status_of(self, pid: int) -> int | None:
        """Return how a trial process has ended; None while it runs."""
        while not self.is_over and self._control.poll():
            message = self._received()
            if isinstance(message, Ended):
                self._ended[message.pid] = message.status
        if self.is_over and pid not in self._ended:
            return -signal.SIGKILL  # a template takes its trials with it
        return self._ended.get(pid)

    def descendants(self) -> tuple[int, ...]:
        """Return the processes of its trials, with all that they have started."""
        return () if self._pid is None else descendants(self._pid)

    def close(self) -> None:
        """End the template and its trials: it does so where nothing more will be asked, and else is made to.

        The connection closes when it has ended.
        """
        if self._socket.fileno() < 0:
            return
        self.is_over = True
        with suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_WR)
        if not self._ends(time.monotonic() + TERMINATION_SECONDS):
            kill_all((*self.descendants(), *([] if self._pid is None else [self._pid])))
        if self._process is not None:
            end_template(self._process)
        self._control.close()
        self._socket.close()

    def _ends(self, deadline: float) -> bool:
        """Wait for the template to end, and return whether it has."""
        while (left := deadline - time.monotonic()) > 0:
            if wait([self._control], left) and self._received() is None:
                return True
        return False

    def _received(self) -> object:
        try:
            return self._control.recv()
        except (EOFError, ConnectionError):
            self.is_over = True
            return None


def start_template(worker_spec: WorkerSpec, handle: int, log: int) -> "subprocess.Popen[bytes]":
    """Start a template process whose connection is the socket `handle` and that prints into `log`."""
    assert worker_spec.surroundings is not None  # the executor has added them
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [*interpreter("template"), str(handle), json.dumps(worker_spec.surroundings.module_path)],
        pass_fds=[handle],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env=_environment(worker_spec),
        cwd=_folder(worker_spec),
    )


def end_template(process: "subprocess.Popen[bytes]") -> None:
    """Wait for a template whose connection was closed, and end it where it does not notice: importing takes as long."""
    try:
        process.wait(_NOTICING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _folder(worker_spec: WorkerSpec) -> Path:
    assert worker_spec.surroundings is not None  # the executor has added them
    return worker_spec.surroundings.folder


def _environment(worker_spec: WorkerSpec) -> dict[str, str]:
    """Return the environment of a template: the study's own, the worker's devices, and one thread to compute with."""
    assert worker_spec.surroundings is not None  # the executor has added them
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **worker_spec.surroundings.environment,
        **passed_on,
        **dict.fromkeys(THREAD_VARIABLES, "1"),
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # to ask whether there is a GPU must not initialise CUDA
    }
