"""The worker's end of templates and trial processes: how they are started, watched and ended."""

import json
import os
import pickle
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, final

from tuner.domain.job import Job
from tuner.domain.trial import Failure, FailureReason
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

_MEBI = 2**20


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
        handle = None if log is None else _opened(log)
        printed = 0 if handle is None else os.fstat(handle).st_size
        try:
            template = self._ready_template(handle)
            process = template.spawn(handle, tuple(sorted(self._modules)))
            if process is None:
                self._fall_back(template.refusal)
                process = self._ready_template(handle).spawn(handle, ())
            if process is None:
                raise WorkLostError("its process could not be started")
        finally:
            if handle is not None:
                os.close(handle)
        process.watch(self._job, log, printed, self._clock)
        return process

    def prepare(self, modules: tuple[str, ...]) -> None:
        """Take note of modules that trials import late, for the template to import before the next one."""
        self._modules.update(modules)

    def close(self) -> None:
        """End the template, and with it every process that it has started."""
        if self._template is not None:
            self._template.close()
            self._template = None

    def _ready_template(self, log: int | None) -> "_Template":
        if self._template is None or self._template.is_over:
            self.close()
            template = _Template(self._job, log, forks=self._forks)
            answer = template.answer(self._job.limits.start)
            if isinstance(answer, CannotFork):
                template.close()
                self._fall_back(answer.reason)
                template = _Template(self._job, log, forks=False)
                answer = template.answer(self._job.limits.start)
            if not isinstance(answer, Ready):
                template.close()
                raise WorkOverranError(answer) if isinstance(answer, Failure) else WorkLostError(_NOT_STARTED)
            self._template = template
        return self._template

    def _fall_back(self, reason: str) -> None:
        self.close()
        self._forks = False
        self.note = f"every trial starts a new Python interpreter, which takes longer than a fork: {reason}"


_NOT_STARTED = "its process could not be started"


@final
class _Template:
    """The handle of a template process."""

    def __init__(self, job: Job, log: int | None, *, forks: bool) -> None:
        assert job.surroundings is not None  # the executor has added them
        self._job = job
        self._forks = forks
        self._ended: dict[int, int] = {}
        self.is_over = False
        self.refusal = ""
        mine, its = socket.socketpair()
        with mine, its:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [*interpreter("template"), str(its.fileno()), json.dumps(job.surroundings.module_path)],
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=2 if log is None else log,
                    stderr=2 if log is None else log,
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

    def answer(self, seconds: float | None) -> object:
        """Return what the template says next; a `Failure` where it does not within so many seconds, None if it died."""
        if not self.control.poll(seconds):
            self.close()
            message = f"its process was not ready within the {seconds:g} s that limits.start allows"
            return Failure(reason=FailureReason.TIMEOUT, message=message)
        return self._received()

    def spawn(self, log: int | None, modules: tuple[str, ...]) -> "TrialProcess | None":
        """Start a trial process; None where the template cannot, and is over."""
        mine, its = socket.socketpair()
        with mine, its:
            try:
                self.control.send(Spawn(log is not None, modules))
                for handle in [its.fileno(), *([] if log is None else [log])]:
                    send_handle(self.control, handle, self._process.pid)
            except ConnectionError:
                self.is_over = True
                return None
            while not isinstance(answer := self._received(), Started):
                if isinstance(answer, Ended):
                    self._ended[answer.pid] = answer.status
                    continue
                self.is_over = True
                self.refusal = answer.reason if isinstance(answer, CannotFork) else ""
                return None
            process = TrialProcess(self, answer.pid, Connection(mine.detach()))
        if not self._forks:
            process.send(Request.LOAD, pickle.dumps(self._job))
        return process

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
    """The handle of a trial process, which its trial's limits are enforced on."""

    def __init__(self, template: _Template, pid: int, connection: Connection) -> None:
        self._template = template
        self._pid = pid
        self._connection = connection
        self._job: Job | None = None
        self._log: Path | None = None
        self._printed = 0
        self._clock: Callable[[], float] = time.monotonic

    def watch(self, job: Job, log: Path | None, printed: int, clock: Callable[[], float]) -> None:
        """Enforce the job's limits from now on; earlier processes of the trial `printed` so many bytes of `log`."""
        self._job, self._log, self._printed, self._clock = job, log, printed, clock

    def send(self, request: Request, content: Any = None) -> None:
        """Ask for something; that the process has ended is found out by who waits for an answer."""
        with suppress(ConnectionError):
            self._connection.send((request, content))

    def ask(self, request: Request, content: Any = None) -> Any:
        """Ask for something, and return the answer.

        Raises `WorkLostError` where the process dies instead, and `WorkOverranError`, with the process ended, where it
        is beyond a limit or has raised what nothing there expected.
        """
        self.send(request, content)
        asked = self._clock()
        while not self._has_answer():
            if (failure := self._beyond(self._clock() - asked)) is not None:
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
        if (failure := self._loud()) is not None:
            self.kill()
            raise WorkOverranError(failure)
        return answer

    def end(self) -> tuple[str, ...]:
        """Let the process end, in the end by force, and return the names of the modules that it imported late."""
        self.send(Request.END)
        modules: tuple[str, ...] = ()
        if self._awaited(_GRACE_SECONDS, self._connection):
            with suppress(EOFError, ConnectionError):
                answer = self._connection.recv()
                modules = answer if isinstance(answer, tuple) else ()
        if not self._has_ended(_GRACE_SECONDS):
            kill_group(self._pid, signal.SIGTERM)
            if not self._has_ended(_TERMINATION_SECONDS):
                self.kill()
        self._connection.close()
        return modules

    def kill(self) -> None:
        """End the process and its group at once; the template ends what has left the group."""
        kill_group(self._pid)
        self._has_ended(_TERMINATION_SECONDS)
        _cut(self._log, self._limit_of_output())

    def _has_answer(self) -> bool:
        ready = wait([self._connection, self._template.control], _EVERY_SECONDS)
        return self._connection in ready

    def _awaited(self, seconds: float, connection: Connection) -> bool:
        """Wait for an answer, and return whether there is one; False where the process ends instead."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if connection.poll():
                return True
            if self._template.status_of(self._pid) is not None:
                return connection.poll()
            wait([connection, self._template.control], left)
        return False

    def _has_ended(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._template.status_of(self._pid) is None:
            if (left := deadline - time.monotonic()) <= 0:
                return False
            wait([self._template.control], left)
        return True

    def _awaited_status(self) -> int:
        """Return how the process, which has closed its connection, ends; it is made to where it does not by itself."""
        if not self._has_ended(_TERMINATION_SECONDS):
            self.kill()
        return self._template.status_of(self._pid) or 0

    def _beyond(self, silent: float) -> Failure | None:
        """Return which limit the trial is beyond, having said nothing for so many seconds; None where it is within."""
        assert self._job is not None
        limits = self._job.limits
        return (
            _late("it reported nothing", silent, limits.progress, "progress")
            or _late("it was not done", silent, limits.time, "time")
            or self._large(limits.memory)
            or self._loud()
        )

    def _large(self, limit: int | None) -> Failure | None:
        if limit is None:
            return None
        used = resident_bytes_of(self._template.descendants())
        if used <= limit:
            return None
        message = f"its process used {used // _MEBI} MiB of memory, limits.memory allows {limit // _MEBI} MiB"
        return Failure(reason=FailureReason.MEMORY_LIMIT, message=message)

    def _loud(self) -> Failure | None:
        limit = self._limit_of_output()
        if limit is None or self._log is None or self._log.stat().st_size <= limit:
            return None
        assert self._job is not None and self._job.limits.output is not None  # noqa: PT018 - there is a limit
        message = f"it printed more than the {self._job.limits.output // _MEBI} MiB that limits.output allows"
        return Failure(reason=FailureReason.OUTPUT_LIMIT, message=message)

    def _limit_of_output(self) -> int | None:
        """Return how large the log may become; None: as large as it likes."""
        output = None if self._job is None else self._job.limits.output
        return None if output is None else self._printed + output


def _late(what: str, seconds: float, limit: float | None, name: str) -> Failure | None:
    if limit is None or seconds <= limit:
        return None
    message = f"{what} within the {limit:g} s that limits.{name} allows; its process was ended"
    return Failure(reason=FailureReason.TIMEOUT, message=message)


def _cause(status: int) -> str:
    """Return in words how a process ended that was to answer."""
    if status < 0:
        return f"its process was killed by {signal.Signals(-status).name}"
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


def _cut(log: Path | None, size: int | None) -> None:
    """Leave no more in the log than may be in it."""
    if log is not None and size is not None and log.stat().st_size > size:
        os.truncate(log, size)
