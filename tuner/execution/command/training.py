"""A command as the function that an objective is: it takes a trial, and yields what the program reports."""

import shutil
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, final

from tuner.domain.command import Command
from tuner.domain.config_path import values_by_path
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.reporting import as_step
from tuner.domain.trial import Failure, FailureReason, Trial
from tuner.execution.command.metric_lines import MetricLines
from tuner.execution.command.numbering import Numbering
from tuner.execution.command.process import CommandProcess
from tuner.execution.command.report_socket import Question, ReportSocket
from tuner.execution.command.surroundings import environment_of, facts_of
from tuner.execution.user_failures import refused
from tuner.system.processes import ending

PATIENCE_SECONDS = 10.0
"""How long a command may take to end by itself that has reported its last epoch, or was answered that it is to stop."""

Reports = Generator[Any, None, None]


def trained_by(command: Command, wanted: Sequence[str], folder: Path) -> Callable[[Trial], Reports]:
    """Return the objective function that runs `command` in `folder`, and looks for the `wanted` metrics."""

    def train(trial: Trial) -> Reports:
        facts = facts_of(trial)
        words = command.arguments(values_by_path(trial.config), facts)
        reports = ReportSocket()
        try:
            process = CommandProcess(words, folder, environment_of(facts, reports.address))
        except (OSError, ValueError) as error:  # a parameter's value may have a null character in it
            reports.close()
            yield refused(FailureReason.RAISED, f"the command {words[0]!r} could not be started: {error}")
            return
        reports.attach(process)
        try:
            yield from _Run(command, wanted, trial, process, folder).reports()
        finally:
            reports.close()

    return train


class _UnusableReportError(Exception):
    """A line reports what cannot be the trial's next epoch, or names a checkpoint that cannot be kept."""


@final
class _Run:
    """One run of a trial's command."""

    def __init__(
        self, command: Command, wanted: Sequence[str], trial: Trial, process: CommandProcess, folder: Path
    ) -> None:
        self._command = command
        self._wanted = wanted
        self._trial = trial
        self._process = process
        self._folder = folder
        self._lines = MetricLines(wanted, command.pattern)
        self._numbers = Numbering(trial)
        self._reached = trial.epoch
        self._has_reported = self._asks = False
        self._open: Question | None = None

    def reports(self) -> Reports:
        """Yield the metrics of each epoch, and at the end the failure, where it is one."""
        before = self._pass_on_termination()
        problem = ""
        try:
            for event in self._process.lines():
                yield from self._asked(event) if isinstance(event, Question) else self._printed(event)
        except _UnusableReportError as error:
            problem = str(error)
        except GeneratorExit:
            self._let_end()
            raise
        finally:
            code = self._process.close()
            if before is not None:
                signal.signal(signal.SIGTERM, before)
        failure = refused(FailureReason.RAISED, problem) if problem else self._failure_of(code)
        if failure is not None:
            yield failure

    def _printed(self, line: str) -> Reports:
        """Yield what a line reports, of a program that only prints."""
        printed = None if self._asks else self._lines.read(line)
        if printed is None:
            return
        try:
            if not self._numbers.admit(printed.number):
                return
            if printed.checkpoint:
                self._keep(self._folder / printed.checkpoint)
            metrics = self._reported(printed.metrics, self._numbers.step_of(printed.number))
        except (ConfigurationError, OSError, ValueError) as error:
            raise _UnusableReportError(f"what the command reported cannot be kept: {error}") from error
        yield metrics

    def _asked(self, question: Question) -> Reports:
        """Yield what a program reports that waits for the answer; what it prints is output only from then on."""
        self._asks = True
        content = question.content
        try:
            step = as_step(content.get("step"))
            if "checkpoint" in content:
                self._keep(Path(content["checkpoint"]), step)
                question.answer()
                return
            metrics = self._reported(content.get("metrics"), step)
        except (ConfigurationError, OSError, TypeError, ValueError) as error:
            question.answer(refused=str(error))
            return
        self._open = question
        yield metrics
        self._open = None
        question.answer(stop=False)

    def _reported(self, metrics: Any, step: int | None) -> Any:
        self._trial.checkpoints.reach(step)
        self._reached = self._reached + 1 if step is None else step
        self._has_reported = True
        return metrics

    def _keep(self, path: Path, step: int | None = None) -> None:
        """Keep a file or folder of the command's as the checkpoint of the next report."""
        with self._trial.checkpoint(step=step) as folder:
            if path.is_dir():
                shutil.copytree(path, folder, dirs_exist_ok=True)
            else:
                shutil.copy2(path, folder)

    def _pass_on_termination(self) -> Any:
        """Let SIGTERM, by which a process would just die, end the command; return what handled it, None for others."""
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return None
        return signal.signal(signal.SIGTERM, lambda *_: self._process.send(signal.SIGTERM))

    def _let_end(self) -> None:
        """End the command: with patience where it has reported all that it was to, or knows that it is to stop."""
        is_done = self._reached >= self._trial.max_epochs
        if self._open is not None:
            self._open.answer(stop=not is_done)
        for event in self._process.end(PATIENCE_SECONDS if is_done or self._asks else 0.0):
            if isinstance(event, Question):
                event.answer(stop=True)
            elif not self._asks and (printed := self._lines.read(event)) is not None:  # it trains on
                self._numbers.note_beyond(printed.number)
                break
        for _ in self._process.end():
            pass
        if is_done and (code := self._process.own_code):
            sys.stderr.write(
                f"tuner: after {self._trial.unit.at(self._reached)}, its last one, the command {ending(code)}"
            )
            sys.stderr.write(f": {self._process.tail.rpartition(chr(10))[2]}\n")

    def _failure_of(self, code: int) -> Failure | None:
        tail = f"; the end of its output:\n{self._process.tail}" if self._process.tail else ", and printed nothing"
        if code != 0:
            return refused(FailureReason.RAISED, f"the command {ending(code)}{tail}")
        if self._has_reported or self._numbers.has_repeated:
            return None
        return refused(FailureReason.NO_METRICS, f"{self._nothing()}{tail}")

    def _nothing(self) -> str:
        """Return why nothing that was printed is a report."""
        if (fraction := self._numbers.fraction) is not None:
            return (
                f"the command reported nothing: the numbers of its lines are fractions, such as {fraction}; print "
                "whole ones, or lines without `epoch` and `step`: then each counts as the next one"
            )
        expected = self._command.expected(self._wanted, self._trial.unit)
        others = list(self._lines.others)
        instead = f"; it prints {', '.join(others)}: name one of them by `metric`{nearest(self._wanted[0], others)}"
        return f"the command reported nothing; looked for {expected} on its standard output{instead if others else ''}"
