"""Trials in this process, one cohort at a time: for debugging, tests and objectives that are over at once."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from typing import final

from tuner.domain.assignment import Work, WorkKind
from tuner.domain.executor import Executor
from tuner.domain.run_controller import RunController
from tuner.domain.study import Resources
from tuner.domain.worker_spec import Job
from tuner.execution.generator import needs_thread
from tuner.execution.host import Host
from tuner.execution.user_thread import UserThread
from tuner.execution.worker import Worker, find_objective

__all__ = ["InlineExecutor"]


@final
class InlineExecutor(Executor):
    """Runs cohorts one after another, on the thread that called it; a debugger works in the objective."""

    def run(self, controller: RunController, job: Job, resources: Resources) -> None:
        # What the objective prints is no answer of ours: answers alone go to stdout.
        with redirect_stdout(sys.stderr):
            run_here(job, partial(self._direct, controller))

    def _direct(self, controller: RunController, worker: Worker) -> None:
        while (work := controller.next_work()) is not None:
            self._do(work, controller, worker)

    def _do(self, work: Work, controller: RunController, worker: Worker) -> None:
        if work.kind is WorkKind.TEST:
            controller.tested(work, worker.test(work))
            return
        worker.begin(work)
        while not (answer := controller.report(worker.advance())).is_over:
            worker.follow(answer)
        worker.follow(answer)


def run_here(job: Job, direct: Callable[[Worker], None]) -> None:
    """Run `direct` with a worker that trains in this process; user code runs in the thread that calls this."""
    thread = UserThread() if _needs_thread(job) else None
    worker = Worker(job, host=Host(thread=thread))

    def directed() -> None:
        try:
            direct(worker)
        finally:
            worker.close()

    if thread is None:
        directed()
    else:
        thread.run(directed)


def _needs_thread(job: Job) -> bool:
    try:
        return needs_thread(find_objective(job))
    except (Exception, SystemExit):  # noqa: BLE001 - the worker meets it again, as the failure of a trial
        return False
