"""The part of a run that trains, for objectives whose code runs in processes of its own."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from tuner.domain.assignment import Assignment, CohortUpdate, TrialAssignment
from tuner.domain.trial import Failure, Metrics, Report
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.isolation.launcher import Launcher
from tuner.execution.isolation.messages import Request
from tuner.execution.isolation.process_handle import ProcessHandle
from tuner.execution.work_errors import WorkLostError, WorkOverranError


@final
class IsolatedWorker:
    """Does what `Worker` does, each trial in a process of its own, or all of them in one that they share.

    In the processes a `Worker` trains; this one hands on what is asked and answered. Raises `WorkLostError` where a
    process dies and `WorkOverranError` where one was ended because of a limit, or where the objective cannot be loaded:
    nothing of the assignment is being trained then. Without `keeps_logs` the processes print to where this one does.
    `template` is the address of one that the workers of a run share.
    """

    def __init__(
        self,
        worker_spec: WorkerSpec,
        clock: Callable[[], float] = time.monotonic,
        *,
        keeps_logs: bool = True,
        template: Path | None = None,
    ) -> None:
        self._worker_spec = worker_spec
        self._keeps_logs = keeps_logs
        self._launcher = Launcher(worker_spec, clock, template)
        self._shares = worker_spec.isolation is Isolation.COHORT
        self._work: Assignment | None = None
        self._processes: dict[ProcessHandle, set[int]] = {}
        self._shared: ProcessHandle | None = None
        self._error: WorkLostError | WorkOverranError | None = None
        self._noted = ""

    def begin(self, assignment: Assignment) -> None:
        """Start to train the members of `assignment`, in place of what was trained before."""
        self._end([*self._processes])
        self._work, self._error = assignment, None
        self._try(lambda: self._start(assignment.members))

    def advance(self) -> tuple[Report, ...]:
        """Train on until a decision is needed; return what every member did."""
        self._raise_error()
        reports: list[Report] = []
        for process in [*self._processes]:
            reports += self._asked(process, Request.ADVANCE)
        return self._with_note(reports)

    def follow(self, update: CohortUpdate) -> None:
        """Do with the members what was decided; what goes wrong is raised when they are asked next."""
        self._try(lambda: self._follow(update))

    def test(self, assignment: Assignment) -> Metrics | Failure | None:
        """Return the metrics of a trained trial's best epoch on data the search never saw, None without such data."""
        self._end([*self._processes])
        self._work, self._error = assignment, None
        process = self._process(assignment.members)
        try:
            outcome: Metrics | Failure | None = self._asked(process, Request.TEST, assignment)
        finally:
            self._leave(process)
        return outcome

    def close(self) -> None:
        """End every process."""
        self._end([*self._processes])
        self._launcher.close()
        self._shared = None

    def kill(self) -> None:
        """End every process at once."""
        self._abandon()
        self._launcher.close()

    def _follow(self, update: CohortUpdate) -> None:
        for process, numbers in [*self._processes.items()]:
            leaving = update.leaving & numbers
            joining = update.joining if self._shares else ()
            exploits = tuple(each for each in update.exploits if each.member.number in numbers)
            stays = bool(numbers - leaving) or bool(joining)
            if leaving or joining or exploits:
                process.send(
                    Request.FOLLOW,
                    replace(update, leaving=leaving, joining=joining, exploits=exploits, is_over=not stays),
                )
            self._processes[process] = (numbers - leaving) | {member.number for member in joining}
            if not self._processes[process]:
                self._leave(process)
        if not self._shares:
            self._start(update.joining)

    def _start(self, members: Sequence[TrialAssignment]) -> None:
        """Start to train these members."""
        assert self._work is not None
        for together in [members] if self._shares else [(member,) for member in members]:
            process = self._process(together)
            self._processes[process] = {member.number for member in together}
            process.send(Request.BEGIN, replace(self._work, members=tuple(together)))

    def _process(self, members: Sequence[TrialAssignment]) -> ProcessHandle:
        if self._shared is not None:
            return self._shared
        process = self._launcher.start(self._log(members))
        if self._shares:
            self._shared = process
        return process

    def _log(self, members: Sequence[TrialAssignment]) -> Path | None:
        """Return the file for what a process prints."""
        if not self._keeps_logs:
            return None
        assert self._work is not None
        folders = self._work.folders or self._worker_spec.folders
        return folders.shared_log_of(os.getpid()) if self._shares else folders.log_of(members[0].number)

    def _leave(self, process: ProcessHandle) -> None:
        """Let a process go: it ends with its trial, and one that is shared waits for the next."""
        self._processes.pop(process, None)
        if process is not self._shared:
            self._launcher.prepare(process.end())

    def _end(self, processes: Sequence[ProcessHandle]) -> None:
        for process in processes:
            self._leave(process)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _try(self, act: Callable[[], None]) -> None:
        """Do something; where it fails, nothing of the assignment is trained any more, and asking for it says why."""
        try:
            act()
        except (WorkLostError, WorkOverranError) as error:
            self._error = error
            self._abandon()

    def _asked(self, process: ProcessHandle, request: Request, content: object = None) -> Any:
        try:
            return process.ask(request, content)
        except (WorkLostError, WorkOverranError):
            self._abandon()
            raise

    def _abandon(self) -> None:
        """End all processes of an assignment that is over, without a word."""
        for process in {*self._processes, *([self._shared] if self._shared is not None else [])}:
            process.kill()
        self._processes.clear()
        self._shared = None

    def _with_note(self, reports: Sequence[Report]) -> tuple[Report, ...]:
        """Return the reports, the first with what a person should know of how trials are started, once."""
        note = self._launcher.note
        if not reports or note == self._noted:
            return tuple(reports)
        self._noted = note
        return (replace(reports[0], note=reports[0].note or note), *reports[1:])
