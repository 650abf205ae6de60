"""The worker's end of templates and trial processes: how they are started, watched and ended."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, final

from tuner.domain.job import Job
from tuner.domain.study import Limits
from tuner.domain.trial import Failure, FailureReason
from tuner.execution.exceeded import not_ready, too_large, too_late, too_loud
from tuner.execution.isolation.messages import CannotFork, Ended, Launch, Ready, Request, Spawn, Started
from tuner.execution.isolation.trial_process import THREAD_VARIABLES, interpreter
from tuner.execution.worker import WorkLostError, WorkOverranError
from tuner.folders import private
from tuner.processes import descendants, kill_group, resident_bytes_of

_EVERY_SECONDS = 0.5
"""How often a trial's limits are looked at while it trains."""

_GRACE_SECONDS = 30.0
_TERMINATION_SECONDS = 5.0
"""How long a trial may take to end once it was asked to, and once it was sent SIGTERM."""

_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "TUNER_RAY_FOLDER")
"""Variables that a worker has and the study's own process has not: its devices, and the mark of the run."""

_ATTEMPTS = 3
"""How often a process is tried to be started: a template may have died, or say that it cannot be forked."""

_STDERR = 2

_WHOSE = "its process"


_NOT_STARTED = "its process could not be started"


@final
class Launcher:
    """Starts trial processes for one worker: by forking a template where that is possible, else as new interpreters."""

    def __init__(self, job: Job, clock: Callable[[], float]) -> None:
        self._job = job
        self._clock = clock
        self._template: _Template | None = None
        self._forks = True
        self._modules: set[str] = set()
        self.note = ""
        """What a person should know of how trials are started; "" where there is nothing to say."""

    def start(self, log: Path | None) -> "TrialProcess":
        """Start a process that waits for its first request; what it prints goes to `log` (None: to where ours goes).

        Raises `WorkOverranError` where the objective cannot be imported or unpickled, or is not ready in time.
        """
        handle = os.dup(_STDERR) if log is None else _opened(log)
        try:
            output = Output(log, os.fstat(handle).st_size, self._job.limits.output)
            for _ in range(_ATTEMPTS):
                template = self._ready_template(handle)
                connection = template.spawn(handle, tuple(sorted(self._modules)))
                if isinstance(connection, CannotFork):
                    self._fall_back(connection.reason)
                elif connection is not None:
                    process = TrialProcess(template, *connection, job=self._job, output=output, clock=self._clock)
                    if not self._forks:
                        process.load()
                    return process
        finally:
            os.close(handle)
        raise WorkLostError(_NOT_STARTED)

    def prepare(self, modules: tuple[str, ...]) -> None:
        """Take note of modules that trials import late, for the template to import before the next one."""
        self._modules.update(modules)

    def close(self) -> None:
        """End the template, and with it every process that it has started."""
        if self._template is not None:
            self._template.close()
            self._template = None

    def _ready_template(self, log: int) -> "_Template":
        if self._template is None or self._template.is_over:
            self.close()
            template, answer = self._new_template(log)
            if isinstance(answer, CannotFork):
                template.close()
                self._fall_back(answer.reason)
                template, answer = self._new_template(log)
            if not isinstance(answer, Ready):
                template.close()
                raise WorkOverranError(answer) if isinstance(answer, Failure) else WorkLostError(_NOT_STARTED)
            self._template = template
        return self._template

    def _new_template(self, log: int) -> "tuple[_Template, object]":
        template = _Template(self._job, log, forks=self._forks)
        return template, template.answer()

    def _fall_back(self, reason: str) -> None:
        self.close()
        self._forks = False
        self.note = f"every trial starts a new Python interpreter, which takes longer than a fork: {reason}"


@final
@dataclass(frozen=True, slots=True)
class Output:
    """The log of a trial, of which its earlier processes `printed` so many bytes, and how many more there may be."""

    log: Path | None
    printed: int
    limit: int | None

    @property
    def is_too_long(self) -> bool:
        """Whether more was printed than may be; a log that somebody has deleted is empty."""
        if self.log is None or self.limit is None:
            return False
        try:
            return self.log.stat().st_size > self.printed + self.limit
        except OSError:
            return False

    def cut(self) -> None:
        """Leave no more in the log than may be in it."""
        if self.is_too_long:
            assert self.log is not None and self.limit is not None  # noqa: PT018 - or it would not be too long
            os.truncate(self.log, self.printed + self.limit)


@final
class _Template:
    """The handle of a template process."""

    def __init__(self, job: Job, log: int, *, forks: bool) -> None:
        assert job.surroundings is not None  # the executor has added them
        self._seconds = job.limits.start
        self._ended: dict[int, int] = {}
        self.is_over = False
        mine, its = socket.socketpair()
        with mine, its:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [*interpreter("template"), str(its.fileno()), json.dumps(job.surroundings.module_path)],
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env=_environment(job),
                    cwd=job.surroundings.folder,
                )
            except OSError as error:
                message = f"a process cannot be started in {job.surroundings.folder}: {error.strerror}"
                raise WorkOverranError(Failure(reason=FailureReason.RAISED, message=message)) from error
            self.control = Connection(mine.detach())
        with suppress(ConnectionError):  # it has died already: its answer says so
            self.control.send(Launch(job, forks))

    def answer(self) -> object:
        """Return what the template says next, `Failure` where that takes longer than limits.start, None if it died."""
        if not self.control.poll(self._seconds):
            self.close()
            return not_ready(self._seconds)
        return self._received()

    def spawn(self, log: int, modules: tuple[str, ...]) -> tuple[int, Connection] | CannotFork | None:
        """Start a trial process, and return its number and the connection to it; None where the template has died."""
        mine, its = socket.socketpair()
        with mine, its:
            try:
                self.control.send(Spawn(modules))
                for handle in (its.fileno(), log):
                    send_handle(self.control, handle, self._process.pid)
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
        while not self.is_over and self.control.poll():
            message = self._received()
            if isinstance(message, Ended):
                self._ended[message.pid] = message.status
        if self.is_over and pid not in self._ended:
            return -signal.SIGKILL  # a template takes its trials with it
        return self._ended.get(pid)

    def descendants(self) -> tuple[int, ...]:
        """Return the processes of its trials, with all that they have started."""
        return descendants(self._process.pid)

    def close(self) -> None:
        """End the template and its trials: it does so where the connection closes, and is made to where it does not."""
        self.control.close()
        self.is_over = True
        try:
            self._process.wait(_TERMINATION_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in self.descendants():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    def _received(self) -> object:
        try:
            return self.control.recv()
        except (EOFError, ConnectionError):
            self.is_over = True
            return None


@final
class TrialProcess:
    """The handle of a trial process, on which the limits of its trial are enforced."""

    def __init__(
        self,
        template: _Template,
        pid: int,
        connection: Connection,
        *,
        job: Job,
        output: Output,
        clock: Callable[[], float],
    ) -> None:
        self._template = template
        self._pid = pid
        self._connection = connection
        self._job = job
        self._output = output
        self._clock = clock

    def load(self) -> None:
        """Let a fresh interpreter load the objective; raises what `ask` raises."""
        limits = replace(self._job.limits, progress=None, time=None)
        self.ask(Request.LOAD, self._job, limits)

    def send(self, request: Request, content: Any = None) -> None:
        """Ask for something; that the process has ended is found out by who waits for an answer."""
        with suppress(ConnectionError):
            self._connection.send((request, content))

    def ask(self, request: Request, content: Any = None, limits: Limits | None = None) -> Any:
        """Ask for something, and return the answer; `limits` are the job's where none are given.

        Raises `WorkLostError` where the process dies instead, and `WorkOverranError`, with the process ended, where it
        is beyond a limit or has raised what nothing there expected.
        """
        self.send(request, content)
        asked = self._clock()
        while not self._has_answer():
            if (failure := self._beyond(self._clock() - asked, limits or self._job.limits, request)) is not None:
                self.kill()
                raise WorkOverranError(failure)
            if (status := self._template.status_of(self._pid)) is not None and not self._connection.poll():
                raise WorkLostError(_cause(status))
        try:
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise WorkLostError(_cause(self._awaited_status())) from None
        if isinstance(answer, Failure) and request is not Request.TEST:
            self.kill()
            raise WorkOverranError(answer)
        if self._output.is_too_long:
            self.kill()
            raise WorkOverranError(too_loud(self._output.limit))
        return answer

    def end(self) -> tuple[str, ...]:
        """Let the process end, in the end by force, and return the names of the modules that it imported late."""
        self.send(Request.END)
        deadline = time.monotonic() + _GRACE_SECONDS
        modules: tuple[str, ...] = ()
        if self._awaits_answer(deadline):
            with suppress(EOFError, ConnectionError):
                answer = self._connection.recv()
                modules = answer if isinstance(answer, tuple) else ()
        if not self._has_ended(deadline):
            kill_group(self._pid, signal.SIGTERM)
            if not self._has_ended(time.monotonic() + _TERMINATION_SECONDS):
                self.kill()
        self._connection.close()
        return modules

    def kill(self) -> None:
        """End the process and its group at once; the template ends what has left the group."""
        kill_group(self._pid)
        self._has_ended(time.monotonic() + _TERMINATION_SECONDS)
        self._connection.close()
        self._output.cut()

    def _has_answer(self) -> bool:
        ready = wait([self._connection, self._template.control], _EVERY_SECONDS)
        return self._connection in ready

    def _awaits_answer(self, deadline: float) -> bool:
        """Wait for an answer, and return whether there is one; False where the process ends instead."""
        while (left := deadline - time.monotonic()) > 0:
            if self._connection.poll():
                return True
            if self._template.status_of(self._pid) is not None:
                return self._connection.poll()
            wait([self._connection, self._template.control], left)
        return False

    def _has_ended(self, deadline: float) -> bool:
        while self._template.status_of(self._pid) is None:
            if (left := deadline - time.monotonic()) <= 0:
                return False
            wait([self._template.control], left)
        return True

    def _awaited_status(self) -> int:
        """Return how the process, which has closed its connection, ends; it is made to where it does not by itself."""
        if not self._has_ended(time.monotonic() + _TERMINATION_SECONDS):
            self.kill()
        return self._template.status_of(self._pid) or 0

    def _beyond(self, silent: float, limits: Limits, request: Request) -> Failure | None:
        """Return which limit the trial is beyond, having said nothing for so many seconds; None where it is within."""
        if request is Request.LOAD and limits.start is not None and silent > limits.start:
            return not_ready(limits.start)
        late = too_late(silent, limits, _WHOSE)
        if late is not None or limits.memory is None:
            return late or (too_loud(limits.output) if self._output.is_too_long else None)
        used = resident_bytes_of(self._template.descendants())
        return too_large(used, limits.memory, _WHOSE) or (too_loud(limits.output) if self._output.is_too_long else None)


def _cause(status: int) -> str:
    """Return in words how a process ended that was to answer."""
    if status < 0:
        known = -status in set(signal.Signals)
        return f"its process was killed by {signal.Signals(-status).name if known else f'signal {-status}'}"
    return f"its process ended with exit code {status}"


def _environment(job: Job) -> dict[str, str]:
    """Return the environment of a template: the study's own, the worker's devices, and one thread to compute with."""
    assert job.surroundings is not None
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **job.surroundings.environment,
        **passed_on,
        **dict.fromkeys(THREAD_VARIABLES, "1"),
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # to ask whether there is a GPU must not initialise CUDA
    }


def _opened(log: Path) -> int:
    """Open a log to append to; a link that somebody has put in its place is not followed."""
    try:
        private(log.parent)
        return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the file for what it prints, {log}, cannot be opened: {error.strerror}"
        raise WorkOverranError(Failure(reason=FailureReason.RAISED, message=message)) from error
