"""How a worker gets processes for its trials."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import final

from tuner.domain.trial import Failure, FailureReason
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.isolation.messages import CannotFork, Ready
from tuner.execution.isolation.process_handle import Output, ProcessHandle
from tuner.execution.isolation.template_handle import TemplateHandle
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.system.files import private

_ATTEMPTS = 3
"""How often a process is tried to be started: a template may have died, or say that it cannot be forked."""

_STDERR = 2

_NOT_STARTED = "its process could not be started"


@final
class Launcher:
    """Starts trial processes for one worker: by forking a template where that is possible, else as new interpreters.

    The template is the one that is `shared`, by its address, where that can be joined, else one of the worker's own.
    """

    def __init__(self, worker_spec: WorkerSpec, clock: Callable[[], float], shared: Path | None = None) -> None:
        self._worker_spec = worker_spec
        self._clock = clock
        self._shared = shared
        self._template: TemplateHandle | None = None
        self._forks = True
        self._modules: set[str] = set()
        self.note = ""
        """What a person should know of how trials are started; "" where there is nothing to say."""

    def start(self, log: Path | None) -> "ProcessHandle":
        """Start a process that waits for its first request; what it prints goes to `log` (None: to where ours goes).

        Raises `WorkOverranError` where the objective cannot be imported or unpickled, or is not ready in time.
        """
        handle = os.dup(_STDERR) if log is None else _opened(log)
        try:
            output = Output(log, os.fstat(handle).st_size, self._worker_spec.limits.output)
            for _ in range(_ATTEMPTS):
                template = self._ready_template(handle)
                connection = template.spawn(handle, tuple(sorted(self._modules)))
                if isinstance(connection, CannotFork):
                    self._fall_back(connection.reason)
                elif connection is not None:
                    process = ProcessHandle(
                        template, *connection, worker_spec=self._worker_spec, output=output, clock=self._clock
                    )
                    if not self._forks:
                        process.load()
                    return process
        finally:
            os.close(handle)
        raise WorkLostError(_NOT_STARTED)

    def prepare(self, modules: tuple[str, ...]) -> None:
        """Record modules that trials import late, for the template to import before the next one."""
        self._modules.update(modules)

    def close(self) -> None:
        """End the template, and with it every process that it has started."""
        if self._template is not None:
            self._template.close()
            self._template = None

    def _ready_template(self, log: int) -> TemplateHandle:
        if self._template is None or self._template.is_over:
            self.close()
            self._template = self._joined(log) or self._begun(log)
        return self._template

    def _joined(self, log: int) -> TemplateHandle | None:
        """Return the worker's part of the shared template; None, from then on, where that has ended."""
        if self._shared is None or not self._forks:
            return None
        template = TemplateHandle.join(self._shared, self._worker_spec)
        answer = None if template is None else template.answer()
        if template is None or answer is None:
            self._shared = None
            if template is not None:
                template.close()
            return None
        if isinstance(answer, Failure):
            raise WorkOverranError(answer)
        assert isinstance(answer, Ready)  # the only word of one that can be joined
        os.write(log, answer.printed)
        return template

    def _begun(self, log: int) -> TemplateHandle:
        """Return a new template of the worker's own."""
        template, answer = self._new_template(log)
        if isinstance(answer, CannotFork):
            template.close()
            self._fall_back(answer.reason)
            template, answer = self._new_template(log)
        if not isinstance(answer, Ready):
            template.close()
            raise WorkOverranError(answer) if isinstance(answer, Failure) else WorkLostError(_NOT_STARTED)
        return template

    def _new_template(self, log: int) -> tuple[TemplateHandle, object]:
        template = TemplateHandle.begin(self._worker_spec, log, forks=self._forks)
        return template, template.answer()

    def _fall_back(self, reason: str) -> None:
        self.close()
        self._forks = False
        self.note = f"every trial starts a new Python interpreter, which takes longer than a fork: {reason}"


def _opened(log: Path) -> int:
    """Open a log to append to; a link in its place is not followed."""
    try:
        private(log.parent)
        return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the file for what it prints, {log}, cannot be opened: {error.strerror}"
        raise WorkOverranError(Failure(reason=FailureReason.RAISED, message=message)) from error
