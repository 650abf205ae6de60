"""A trial's own process: a person's code in its main thread, as in a program of its own.

It has a session, a working directory, an environment, signal handlers and standard streams of its own; whatever the
code changes ends with the trial. While a plain function runs, what answers the worker waits in a second thread.
"""

import atexit
import faulthandler
import io
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import Failure
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.generator import needs_thread
from tuner.execution.host import Host, is_failure_of_a_guest
from tuner.execution.isolation.messages import Request
from tuner.execution.objectives import find_objective
from tuner.execution.ranks.objective import prepare_ranks
from tuner.execution.threads import THREAD_VARIABLES, threads_of
from tuner.execution.user_failures import failure_of
from tuner.execution.user_thread import UserThread
from tuner.execution.worker import Worker
from tuner.formatting.redaction import redacted
from tuner.storage.url_store import url_problem
from tuner.system.processes import die_with_parent

_NONE = object()

_STDERR = 2

_GRACE_SECONDS = 30.0
"""How long a stopped function may take to end where others share its process; else its worker counts."""

LARGE_PACKAGES = frozenset(
    {"lightning", "numpy", "pandas", "pytorch_lightning", "scipy", "sklearn", "torch", "torchvision"}
)
"""Packages that take so long to import that a template does it for its trials, once one of them has."""


def interpreter(module: str) -> list[str]:
    """Return the command that runs `main` of a module beside this one; a handle and the module path follow.

    Nothing is imported from the working directory before the module path is what it was in the study's own process.
    """
    program = (
        "import json, sys; path, handle = sys.argv.pop(), int(sys.argv.pop()); sys.path[:] = json.loads(path); "
        f"from tuner.execution.isolation import {module}; {module}.main(handle, path)"
    )
    return [sys.executable, "-P", "-c", program]


def main(handle: int, _: str) -> None:
    """Be the trial process of a template that does not fork: what to run comes with the first request."""
    connection = Connection(handle)
    worker_spec: WorkerSpec
    request, worker_spec = connection.recv()
    assert request is Request.LOAD  # the worker's first word to a fresh interpreter
    be_a_program(worker_spec)
    objective = loaded(worker_spec)
    connection.send(objective if isinstance(objective, Failure) else None)
    if not isinstance(objective, Failure):
        serve(connection, None, worker_spec, objective, forks=False)
    leave(0)


def be_a_program(worker_spec: WorkerSpec) -> None:
    """Take signals and make files as a program does that is started where the study was, and end with the parent."""
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if worker_spec.surroundings is not None:
        os.umask(worker_spec.surroundings.umask)


def loaded(worker_spec: WorkerSpec) -> Any:
    """Return the objective, a function or a class, or the `Failure` that importing or unpickling it is."""
    try:
        if worker_spec.folders.store:
            url_problem(worker_spec.folders.store)  # imports its library, before trials are forked
        found = find_objective(worker_spec)
        if worker_spec.ranks > 1:
            prepare_ranks(found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a person's module raises whatever it likes
        failure = failure_of(error)
        sys.stderr.write(failure.traceback)
        return replace(failure, message=redacted(str(error))) if isinstance(error, ConfigurationError) else failure
    return found


def serve(connection: Connection, log: int | None, worker_spec: WorkerSpec, objective: Any, *, forks: bool) -> None:
    """Do what the worker asks for until it says that this is the end, or is gone; `log` takes what is printed.

    A process that `forks` was forked from one that has computed nothing.
    """
    _redirect(log)
    faulthandler.enable(_STDERR)
    _set_threads(worker_spec)
    before = len(sys.modules)
    thread = UserThread() if needs_thread(objective) or worker_spec.ranks > 1 else None
    grace = _GRACE_SECONDS if worker_spec.isolation is Isolation.COHORT else None
    host = Host(is_failure=is_failure_of_a_guest, thread=thread, grace_seconds=grace, forks=forks)
    # Ranks that are not forked find the objective as this process did.
    worker = Worker(replace(worker_spec, objective=objective) if forks else worker_spec, host=host)
    if thread is None:
        _direct(worker, connection, before)
    else:
        thread.run(lambda: _direct(worker, connection, before))


def _direct(worker: Worker, connection: Connection, before: int) -> None:
    """Do what is asked for until the end; so many modules were imported `before`."""
    mine = os.getpid()
    while True:
        try:
            request, content = connection.recv()
        except (EOFError, ConnectionError):
            worker.close()
            return
        if request is Request.END:
            worker.close()
            connection.send(_imported_since(before))
            return
        answer = _answer(worker, request, content)
        if os.getpid() != mine:
            return  # a child that the trial has forked, and that has come to its end here: it has no part in this
        if answer is not _NONE:
            connection.send(answer)


def _answer(worker: Worker, request: Request, content: Any) -> Any:
    """Do what the worker asks for, and return the answer; `_NONE` where it waits for none."""
    try:
        match request:
            case Request.BEGIN:
                worker.begin(content)
            case Request.FOLLOW:
                worker.follow(content)
            case Request.TEST:
                return worker.test(content)
            case Request.ADVANCE:
                reports = worker.advance()
                for report in reports:
                    if report.failure is not None:
                        sys.stderr.write(report.failure.traceback)
                return reports
    except BaseException as error:  # noqa: BLE001 - in a process of its own, whatever is raised is the trial's failure
        failure = failure_of(error)
        sys.stderr.write(failure.traceback)
        return failure
    return _NONE


def leave(status: int) -> NoReturn:
    """End this process as Python ends one, but for the objects that would be deleted one by one."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads, as the end of a program does
        atexit._run_exitfuncs()  # noqa: SLF001 - what multiprocessing does in its children too
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status)


def _redirect(log: int | None) -> None:
    """Let the standard streams be the trial's own; what is printed appears line by line."""
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - not a path of a user's
        os.dup2(nothing.fileno(), 0)
    if log is not None:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a module may have put something of its own in its place
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


def _set_threads(worker_spec: WorkerSpec) -> None:
    """Let the trial compute with as many threads as it was given processors; the template had one."""
    given: Mapping[str, str] = worker_spec.surroundings.environment if worker_spec.surroundings is not None else {}
    os.environ.update({name: given.get(name, str(worker_spec.threads)) for name in THREAD_VARIABLES[:1]})
    for name in THREAD_VARIABLES[1:]:
        if name in given:
            os.environ[name] = given[name]
        else:
            os.environ.pop(name, None)
    threads = threads_of(worker_spec, given)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)
    if threads > 1 and "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - few trials have several threads

        threadpool_limits(threads)


def _imported_since(before: int) -> tuple[str, ...]:
    """Return the modules of large packages that were imported after the first so many, the newest first.

    The others are not looked at: in a child that was forked, to look at a name is to copy the page it is on.
    """
    late = islice(reversed(sys.modules), max(0, len(sys.modules) - before))
    return tuple(name for name in late if name.partition(".")[0] in LARGE_PACKAGES)
