"""Trials in this process, one cohort at a time: for debugging, tests and objectives that are over at once."""

import sys
from contextlib import redirect_stdout
from typing import final

from tuner.domain.assignment import Work, WorkKind
from tuner.domain.executor import Executor
from tuner.domain.run_controller import RunController
from tuner.domain.study import Resources
from tuner.domain.worker_spec import Job
from tuner.execution.worker import Worker


@final
class InlineExecutor(Executor):
    """Runs cohorts one after another, on the thread that called it; a debugger works in the objective."""

    def run(self, controller: RunController, job: Job, resources: Resources) -> None:
        worker = Worker(job)
        # What the objective prints is no answer of ours: answers alone go to stdout.
        with redirect_stdout(sys.stderr):
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


EXECUTOR = InlineExecutor()
