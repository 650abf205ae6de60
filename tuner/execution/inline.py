"""Trials in this process, one cohort at a time: for debugging, tests and objectives that are over at once."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from typing import final

from tuner.domain.assignment import Assignment, AssignmentKind
from tuner.domain.executor import Executor
from tuner.domain.resources import Resources
from tuner.domain.run_controller import RunController
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.generator import needs_thread
from tuner.execution.host import Host
from tuner.execution.inherited_environment import surrounded
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.objectives import find_objective
from tuner.execution.threads import computing_with, threads_of
from tuner.execution.user_thread import UserThread
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.execution.worker import Worker

__all__ = ["InlineExecutor"]

_PAUSE_SECONDS = 0.2
"""How often a run that is paused is asked whether it continues."""


@final
class InlineExecutor(Executor):
    """Runs cohorts one after another, on the thread that called it; a debugger works in the objective."""

    def run(self, controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
        # What the objective prints is not an answer of ours: only answers go to stdout.
        with redirect_stdout(sys.stderr):
            if worker_spec.ranks > 1:
                run_beside(worker_spec, partial(self._direct, controller))
            else:
                run_here(worker_spec, partial(self._direct, controller))

    def _direct(self, controller: RunController, worker: Worker | IsolatedWorker) -> None:
        while (assignment := controller.next_work()) is not None or controller.is_paused:
            if assignment is None:
                time.sleep(_PAUSE_SECONDS)
                continue
            try:
                self._do(assignment, controller, worker)
            except WorkLostError as error:
                controller.lost(assignment, str(error))
            except WorkOverranError as error:
                controller.overran(assignment, error.failure)

    def _do(self, assignment: Assignment, controller: RunController, worker: Worker | IsolatedWorker) -> None:
        if assignment.kind is AssignmentKind.TEST:
            controller.tested(assignment, worker.test(assignment))
            return
        worker.begin(assignment)
        while not (update := controller.report(worker.advance())).is_over:
            worker.follow(update)
        worker.follow(update)


def run_beside(worker_spec: WorkerSpec, direct: Callable[[IsolatedWorker], None], *, keeps_logs: bool = True) -> None:
    """Run `direct` with a worker whose trials have processes of their own, on this machine."""
    worker = IsolatedWorker(surrounded(worker_spec), keeps_logs=keeps_logs)
    try:
        direct(worker)
    except BaseException:
        worker.kill()
        raise
    worker.close()


def run_here(worker_spec: WorkerSpec, direct: Callable[[Worker], None]) -> None:
    """Run `direct` with a worker that trains in this process; user code runs in the thread that calls this."""
    with computing_with(threads_of(worker_spec, os.environ)):
        _run_here(worker_spec, direct)


def _run_here(worker_spec: WorkerSpec, direct: Callable[[Worker], None]) -> None:
    thread = UserThread() if _needs_thread(worker_spec) else None
    worker = Worker(worker_spec, host=Host(thread=thread))

    def directed() -> None:
        try:
            direct(worker)
        finally:
            worker.close()

    if thread is None:
        directed()
    else:
        thread.run(directed)


def _needs_thread(worker_spec: WorkerSpec) -> bool:
    try:
        return needs_thread(find_objective(worker_spec))
    except (Exception, SystemExit):  # noqa: BLE001 - the worker meets it again, as the failure of a trial
        return False
