"""The worker's end of a trial process: how it is asked, held to its limits, and ended."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, final

from tuner.domain.resources import Limits
from tuner.domain.trial import Failure
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.isolation.messages import Request
from tuner.execution.isolation.template_handle import TERMINATION_SECONDS, TemplateHandle
from tuner.execution.limit_failures import not_ready, too_large, too_late, too_loud
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.system.processes import ending, kill_group, resident_bytes_of

_EVERY_SECONDS = 0.5
"""How often a trial's limits are looked at while it trains."""

_GRACE_SECONDS = 30.0
"""How long a trial may take to end once it was asked to, before it is sent SIGTERM."""

_WHOSE = "its process"


@final
@dataclass(frozen=True, slots=True)
class Output:
    """The log of a trial, of which its earlier processes `printed` so many bytes, and how many more there may be."""

    log: Path | None
    printed: int
    limit: int | None

    @property
    def is_too_long(self) -> bool:
        """Whether more was printed than may be; a log that was deleted is empty."""
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
class ProcessHandle:
    """The handle of a trial process, on which the limits of its trial are enforced."""

    def __init__(
        self,
        template: TemplateHandle,
        pid: int,
        connection: Connection,
        *,
        worker_spec: WorkerSpec,
        output: Output,
        clock: Callable[[], float],
    ) -> None:
        self._template = template
        self._pid = pid
        self._connection = connection
        self._worker_spec = worker_spec
        self._output = output
        self._clock = clock

    def load(self) -> None:
        """Let a fresh interpreter load the objective; raises what `ask` raises."""
        limits = replace(self._worker_spec.limits, progress=None, time=None)
        self.ask(Request.LOAD, self._worker_spec, limits)

    def send(self, request: Request, content: Any = None) -> None:
        """Ask for something; that the process has ended is noticed when the answer is waited for."""
        with suppress(ConnectionError):
            self._connection.send((request, content))

    def ask(self, request: Request, content: Any = None, limits: Limits | None = None) -> Any:
        """Ask for something, and return the answer; `limits` are the worker's where none are given.

        Raises `WorkLostError` where the process dies instead, and `WorkOverranError`, with the process ended, where it
        is beyond a limit or has raised what nothing there expected.
        """
        self.send(request, content)
        asked, limits = self._clock(), limits or self._worker_spec.limits
        while not self._has_answer():
            if (failure := self._beyond(self._clock() - asked, limits, request)) is not None:
                self.kill()
                raise WorkOverranError(failure)
            if (status := self._template.status_of(self._pid)) is not None and not self._connection.poll():
                raise WorkLostError(f"its process {ending(status)}")
        try:
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise WorkLostError(f"its process {ending(self._awaited_status())}") from None
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
            if not self._has_ended(time.monotonic() + TERMINATION_SECONDS):
                self.kill()
        self._connection.close()
        return modules

    def kill(self) -> None:
        """End the process and its group at once; the template ends what has left the group."""
        kill_group(self._pid)
        self._has_ended(time.monotonic() + TERMINATION_SECONDS)
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
        if not self._has_ended(time.monotonic() + TERMINATION_SECONDS):
            self.kill()
        return self._template.status_of(self._pid) or 0

    def _beyond(self, silent: float, limits: Limits, request: Request) -> Failure | None:
        """Return which limit the trial is beyond, having said nothing for so many seconds; None where it is within."""
        if request is Request.LOAD and limits.start is not None and silent > limits.start:
            return not_ready(limits.start)
        late = too_late(silent, limits, _WHOSE)
        loud = too_loud(limits.output) if self._output.is_too_long else None
        if late is not None or limits.memory is None:
            return late or loud
        return too_large(resident_bytes_of(self._template.descendants()), limits.memory, _WHOSE) or loud
