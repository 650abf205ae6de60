"""The trial that runs in this process, for code that does not get it as an argument: callbacks in a framework.

A process has one, unless trials share it: then each of them is found only from its own thread. A child of a trial's
process has none: what it measures is reported by its parent, in one order. Where a launcher runs a command's program as
several ranks, every rank finds the trial, and rank 0 reports.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar, final, overload

from tuner.domain.errors import ConfigurationError, NoTrialError
from tuner.domain.reporting import as_step, combined
from tuner.domain.trial import Trial

Default = TypeVar("Default")

VARIABLES = "TUNER_TRIAL_"
"""What the environment variables begin with by which a trial's programs know of it."""

_PROCESS = f"{VARIABLES}PROCESS"
"""The environment variable by which children know that they were started by a trial, and by which process."""

SOCKET = f"{VARIABLES}SOCKET"
"""The environment variable by which a program that is a trial's command finds the trial's process: a socket's name."""

RANK = "RANK"
"""The environment variable by which torchrun and other launchers number the processes of a program, from 0."""

_REMOTE = "tuner.execution.command.remote_trial"
"""What connects to it; by name, since few programs are commands."""

_MISSING: Any = object()


@overload
def current_trial() -> Trial: ...
@overload
def current_trial(default: Default) -> Trial | Default: ...
def current_trial(default: Any = _MISSING) -> Any:
    """Return the trial that runs in this process, from whatever module or thread of it; outside of one, `default`.

    Raises `NoTrialError` outside of a trial where no `default` is given, and always in a child of a trial's process.
    """
    if (trial := _CURRENT.trial()) is not None:
        return trial
    if default is _MISSING:
        raise NoTrialError(
            "tuner.current_trial() was called outside of a trial",
            hint="`tuner run` runs trials; a program that runs without it too takes tuner.current_trial(default=None)",
        )
    return default


def report(metrics: Any = None, /, *, step: int | None = None, stop: bool = True, **named: float) -> None:
    """Report what the running trial has measured, as `Trial.report` does, from any module or thread of its process.

    Outside of a trial only the arguments are checked, so that the same program runs without tuner, and likewise in the
    ranks above 0 of a trial's command. Raises `NoTrialError` in a child of a trial's process.
    """
    trial = current_trial(default=None)
    if trial is not None:
        trial.report(metrics, step=step, stop=stop, **named)
    else:
        combined(metrics, named)
        as_step(step)


@contextmanager
def entered(trial: Trial) -> Iterator[None]:
    """Let `trial` be the current one of this thread, and of threads that are no trial's."""
    _CURRENT.enter(trial)
    try:
        yield
    finally:
        _CURRENT.leave()


def refuse_child(process: int) -> None:
    """Raise `NoTrialError` where this process is not the one that a trial runs in, but a child that it has started."""
    if process != os.getpid():
        raise NoTrialError(
            f"process {os.getpid()} is a child of process {process}, in which the trial runs: only that one reports",
            hint="return what the child measures to the trial's own process, through a queue for example",
        )


@final
class _Current:
    """The trials that run in this process, by the threads that run them."""

    def __init__(self) -> None:
        self._joining = threading.Lock()
        self._process = 0
        self._by_thread: dict[int, Trial] = {}
        self._outer: str | None = None
        """What the variable says outside of these trials: a study may itself be run by a trial of another."""

    def trial(self) -> Trial | None:
        if not self._by_thread:
            refuse_child(int(os.environ.get(_PROCESS, os.getpid())))
            if SOCKET not in os.environ:
                return None
            self._join(os.environ[SOCKET])
        refuse_child(self._process)
        trials = [*self._by_thread.values()]
        mine = self._by_thread.get(threading.get_ident(), trials[0] if len(trials) == 1 else None)
        if mine is None:
            raise ConfigurationError(
                f"trials {', '.join(str(each.number) for each in trials)} share this process, and thread "
                f"{threading.current_thread().name!r} is none of theirs",
                hint="hand `trial` to the thread, or leave share_process out: then each trial has its own process",
            )
        return mine

    def _join(self, address: str) -> None:
        """Enter the trial of a command's program, once, whichever of its threads ask for it."""
        with self._joining:
            if not self._by_thread:
                self.enter(import_module(_REMOTE).join(address))

    def enter(self, trial: Trial) -> None:
        if not self._by_thread:
            self._outer = os.environ.get(_PROCESS)
        self._process = os.getpid()
        self._by_thread[threading.get_ident()] = trial
        os.environ[_PROCESS] = str(self._process)

    def leave(self) -> None:
        self._by_thread.pop(threading.get_ident(), None)
        if self._by_thread:
            return
        if self._outer is None:
            os.environ.pop(_PROCESS, None)
        else:
            os.environ[_PROCESS] = self._outer


_CURRENT = _Current()
