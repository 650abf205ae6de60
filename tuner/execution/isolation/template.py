"""The template: a process that has imported an objective's module, and forks a process for each trial.

It never trains, and never computes with more than one thread: what a thread pool has locked in the parent stays locked
in every child. It is the parent of all that its trials leave behind, and ends it with the trial.

Where the workers of a run share one, which is started with the run and imports while Ray starts, it forks a template
for each of them, and nothing else.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any, NoReturn, final

from tuner.domain.trial import Failure
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoints import CODEC
from tuner.execution.isolation.messages import CannotFork, Ended, Launch, Ready, Spawn, Started
from tuner.execution.isolation.trial_process import LARGE_PACKAGES, be_a_program, interpreter, leave, loaded, serve
from tuner.system.processes import adopt_orphans, descendants, kill_all, kill_group

_MANY = 4096

_NOT_FORKABLE = frozenset({"jax", "tensorflow"})
"""Packages that start threads as soon as they are used, and say that no fork survives it."""

_STDOUT = 1

_GRACE_SECONDS = 3.0
"""How long trials have to end by themselves once their worker is gone."""


def main(handle: int, module_path: str) -> None:
    """Serve the worker at the other end of the socket `handle` until that closes it.

    `module_path`, as JSON, is what this process was started with: fresh interpreters are started with the same.
    """
    # To end this process is up to its worker; a service manager's signal to all processes is none to it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    control = Connection(handle)
    launch: Launch = control.recv()
    listener = socket.socket(fileno=recv_handle(control)) if launch.shared else None
    objective = loaded(launch.worker_spec) if launch.forks else None
    if isinstance(objective, Failure):
        _refuse(control, objective)
        return
    if launch.forks:
        _warm_up()
        gc.collect()
        if reason := _unforkable_from_the_start():
            _refuse(control, CannotFork(reason))
            return
    printed = b""
    if listener is not None:
        _freeze()
        printed = _printed(launch.worker_spec)
        if (joined := _joined(listener, control)) is None:
            return
        control = joined
    adopt_orphans()
    control.send(Ready(os.getpid(), printed))
    _discard_output()
    _Template(control, launch, objective, module_path).serve()


def _refuse(control: Connection, answer: Failure | CannotFork) -> None:
    """Say why there will be no trials of this process, and end what importing the objective has started."""
    kill_all(descendants(os.getpid()))
    control.send(answer)


def _joined(listener: socket.socket, control: Connection) -> Connection | None:
    """Fork for each worker that connects; return its connection in the child, None here once the run is over."""
    while True:
        ready = wait([listener, control])
        for _ in _ended_children():  # templates of workers that are gone
            pass
        if control in ready:  # nothing is said over it: it has been closed
            return None
        connection, _ = listener.accept()
        if os.fork() == 0:
            os.setsid()
            listener.close()
            control.close()
            return Connection(connection.detach())
        connection.close()


def _printed(worker_spec: WorkerSpec) -> bytes:
    """Return what importing the objective has printed into the file that this process was started with."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # a module may have put anything in their places
            stream.flush()
    size, limit = os.fstat(_STDOUT).st_size, worker_spec.limits.output
    return os.pread(_STDOUT, size if limit is None else min(size, limit), 0)


@final
class _Template:
    """Starts trial processes, and says when they have ended."""

    def __init__(self, control: Connection, launch: Launch, objective: Any, module_path: str) -> None:
        self._control = control
        self._worker_spec = launch.worker_spec
        self._forks = launch.forks
        self._objective = objective
        self._module_path = module_path
        self._running: set[int] = set()
        # A signal says that a child has ended; what it writes to wakes the loop up.
        self._woken, waking = socket.socketpair()
        self._woken.setblocking(False)
        waking.setblocking(False)
        self._waking = waking
        self._childs_handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        while True:
            ready = wait([self._control, self._woken])
            if self._woken in ready:
                with suppress(BlockingIOError):
                    self._woken.recv(_MANY)
                self._reap()
            if self._control in ready:
                try:
                    self._start(self._control.recv())
                except (EOFError, ConnectionError):  # the worker is gone
                    self._end_all()
                    return

    def _start(self, spawn: Spawn) -> None:
        connection = recv_handle(self._control)
        log = recv_handle(self._control)
        for module in spawn.modules:
            # What only programs can import that have done something else before is nothing to prepare.
            with suppress(Exception):
                import_module(module)
        if self._forks and (reason := _unforkable()):
            self._control.send(CannotFork(reason))
            self._end_all()
            sys.exit()
        pid = self._forked(connection, log) if self._forks else self._fresh(connection, log)
        os.close(connection)
        os.close(log)
        self._running.add(pid)
        self._control.send(Started(pid))

    def _forked(self, connection: int, log: int) -> int:
        if not self._running:
            _freeze()
        pid = os.fork()
        if pid == 0:
            self._train(connection, log)
        return pid

    def _train(self, connection: int, log: int) -> NoReturn:
        """Be the trial process that was just forked."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, self._childs_handler or signal.SIG_DFL)
            for mine in (self._control, self._woken, self._waking):
                mine.close()
            os.setsid()
            be_a_program(self._worker_spec)
            serve(Connection(connection), log, self._worker_spec, self._objective, forks=True)
            status = 0
        except BaseException:  # noqa: BLE001 - what is not caught by here is in the log, and the process ends
            sys.excepthook(*sys.exc_info())
        finally:
            leave(status)

    def _fresh(self, connection: int, log: int) -> int:
        """Start a trial process in a new interpreter."""
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [*interpreter("trial_process"), str(connection), self._module_path],
            pass_fds=[connection],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        process.returncode = 0  # the loop waits for it, and the object must not
        return process.pid

    def _reap(self) -> None:
        """Collect trial processes that have ended, and end what they have left behind."""
        for pid, status in _ended_children():
            # Others are what trials have left, of which a living one may still have use.
            if pid in self._running:
                kill_group(pid)
                self._running.remove(pid)
                if not self._running:
                    _kill_orphans()
                with suppress(ConnectionError):
                    self._control.send(Ended(pid, os.waitstatus_to_exitcode(status)))

    def _end_all(self) -> None:
        for pid in self._running:
            kill_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._running and (left := deadline - time.monotonic()) > 0:
            wait([self._woken], left)
            with suppress(BlockingIOError):
                self._woken.recv(_MANY)
            self._reap()
        for pid in self._running:
            kill_group(pid)
        _kill_orphans()


def _ended_children() -> Iterator[tuple[int, int]]:
    """Yield every child that has ended, with its status."""
    with suppress(ChildProcessError):  # there is no child at all
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            yield ended


def _kill_orphans() -> None:
    """End all that trials have left: what lost its parent, or left its group, has become this process's child."""
    deadline = time.monotonic() + _GRACE_SECONDS
    while _has_children() and time.monotonic() < deadline:
        kill_all(descendants(os.getpid()))
        for _ in _ended_children():
            pass


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _warm_up() -> None:
    """Import what torch imports late, when the first optimizer is made: a second that each trial would take."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    import_module(CODEC)
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def _freeze() -> None:
    """Let what is there by now stay: a child whose collector looked at it would copy all of it, page by page."""
    gc.freeze()
    _forget_libraries_ends()


def _forget_libraries_ends() -> None:
    """Let what large packages have registered for the end of the process run in none of the trials.

    Torch takes every operator out of its tables one by one, which copies more memory than a short trial touches. What
    a person's module has registered is left.
    """
    for finalizer in [*weakref.finalize._registry]:  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other list
        _, function, *_ = finalizer.peek() or (None, None)
        if (getattr(function, "__module__", None) or "").partition(".")[0] in LARGE_PACKAGES:
            finalizer.atexit = False


def _unforkable_from_the_start() -> str:
    """Return why no process can be forked once the objective is imported, "" where one can."""
    # They would have to end with the first trial, since they cannot be distinguished from what trials leave.
    return "importing the objective starts processes" if _has_children() else _unforkable()


def _unforkable() -> str:
    """Return why no process can be forked from this one, "" where one can.

    Threads of libraries do not count: memory allocators start some, and those that are imported here, with one thread
    to compute with, prepare for a fork. A person's threads would be missing in the child, with what they have locked.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "importing the objective initialises CUDA"
    if torch is not None and torch.get_num_threads() > 1:
        return "importing the objective lets torch compute with several threads"
    if threads := [each.name for each in threading.enumerate() if each is not threading.main_thread()]:
        return f"importing the objective starts threads ({', '.join(threads)})"
    if loaded_packages := _NOT_FORKABLE.intersection(sys.modules):
        return f"{' and '.join(sorted(loaded_packages))} cannot be forked"
    return ""


def _discard_output() -> None:
    """Let nothing but trials write to the log of the first one from now on."""
    for written in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # a module may have put anything in their places
            written.flush()
    with Path(os.devnull).open("r+b") as nothing:
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
