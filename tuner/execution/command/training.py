"""A command as the function that an objective is: it takes a trial, and yields what the program reports."""

import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, final

from tuner.domain.command import Command
from tuner.domain.config_path import values_by_path
from tuner.domain.trial import Failure, FailureReason, Trial
from tuner.execution.command.metric_lines import MetricLines, Printed
from tuner.execution.command.process import CommandProcess
from tuner.execution.command.surroundings import environment_of, facts_of
from tuner.formatting.redaction import redacted

_PATIENCE_SECONDS = 10.0
"""How long a command that has reported its last epoch may take to end by itself."""

Reports = Generator[Any, None, None]


def trained_by(command: Command, wanted: Sequence[str], folder: Path) -> Callable[[Trial], Reports]:
    """Return the objective function that runs `command` in `folder`, and looks for the `wanted` metrics."""

    def train(trial: Trial) -> Reports:
        facts = facts_of(trial)
        words = command.arguments(values_by_path(trial.config), facts)
        try:
            process = CommandProcess(words, folder, environment_of(facts))
        except (OSError, ValueError) as error:  # a parameter's value may have a null character in it
            yield _failure(FailureReason.RAISED, f"the command {words[0]!r} could not be started: {error}")
            return
        yield from _Run(command, wanted, trial, process).reports()

    return train


@final
class _Run:
    """One run of a trial's command."""

    def __init__(self, command: Command, wanted: Sequence[str], trial: Trial, process: CommandProcess) -> None:
        self._command = command
        self._wanted = wanted
        self._trial = trial
        self._process = process
        self._lines = MetricLines(wanted, command.pattern)
        self._numbers = _Numbers(trial.epoch)
        self._reported = 0

    def reports(self) -> Reports:
        """Yield the metrics of each epoch, and at the end the failure, where it is one."""
        before = self._pass_on_termination()
        try:
            for printed in self._printed(self._process.lines()):
                problem = self._numbers.problem_of(printed)
                if problem:
                    yield _failure(FailureReason.RAISED, problem)
                    return
                if self._numbers.is_news(printed):
                    self._reported += 1
                    yield printed.metrics
        except GeneratorExit:
            self._let_end()
            raise
        finally:
            code = self._process.close()
            if before is not None:
                signal.signal(signal.SIGTERM, before)
        if (failure := self._failure_of(code)) is not None:
            yield failure

    def _pass_on_termination(self) -> Any:
        """Let SIGTERM, by which a process would just die, end the command; return what handled it, None for others."""
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return None
        return signal.signal(signal.SIGTERM, lambda *_: self._process.send(signal.SIGTERM))

    def _printed(self, lines: Iterator[str]) -> Iterator[Printed]:
        return filter(None, map(self._lines.read, lines))

    def _let_end(self) -> None:
        """End the command: at once where it is stopped, and with patience where it has reported all that it was to."""
        is_done = self._trial.epoch + self._reported >= self._trial.max_epochs
        for _ in self._printed(self._process.end(_PATIENCE_SECONDS if is_done else 0.0)):
            if is_done:  # it trains on
                break
        for _ in self._process.end():
            pass

    def _failure_of(self, code: int) -> Failure | None:
        tail = f"; the end of its output:\n{self._process.tail}" if self._process.tail else ", and printed nothing"
        if code < 0:
            return _failure(FailureReason.RAISED, f"the command was killed by {_signal(-code)}{tail}")
        if code > 0:
            return _failure(FailureReason.RAISED, f"the command ended with exit code {code}{tail}")
        if self._reported:
            return None
        return _failure(
            FailureReason.NO_METRICS,
            f"the command reported nothing; looked for {self._command.expected(self._wanted)} on its standard output"
            f"{tail}",
        )


@final
class _Numbers:
    """The numbers that a program gives its epochs, from 0 or from 1, held against the epochs that the study counts."""

    def __init__(self, trained: int) -> None:
        self._next = trained + 1
        self._shift: int | None = None
        self._last: int | None = None

    def problem_of(self, printed: Printed) -> str:
        """Return why a report cannot be the next one; "" where it can, or is a second one of the same epoch."""
        number = printed.number
        if number is None or number == self._last:
            return ""
        if self._shift is None:
            if number not in (self._next - 1, self._next):
                return (
                    f"the command reported epoch {number} first, and the trial is to go on with epoch {self._next}: a "
                    "program that goes on from files of its own has to report all of its epochs"
                )
            self._shift = self._next - number
        elif number + self._shift != self._next:
            return f"the command reported epoch {number} after epoch {self._last}: every epoch counts, in order"
        return ""

    def is_news(self, printed: Printed) -> bool:
        """Count a report, and return whether it is the first one of its epoch."""
        if printed.number is not None and printed.number == self._last:
            sys.stderr.write(f"tuner: epoch {printed.number} is reported twice, and the first report counts\n")
            return False
        self._last = printed.number
        self._next += 1
        return True


def _failure(reason: FailureReason, message: str) -> Failure:
    return Failure(reason=reason, message=redacted(message))


def _signal(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
