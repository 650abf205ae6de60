"""A trial whose objective is a plain function: it runs in a thread, and stands still while it is not its turn.

The function and what directs it alternate: a report hands the turn over, and waits until it is given back. So nothing
of a trial runs while the study decides, as with a generator that yields.
"""

import os
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, final

from tuner.domain.current_trial import entered, refuse_child
from tuner.domain.errors import ConfigurationError, StopTrial
from tuner.domain.reporting import Reporter
from tuner.domain.trial import Failure, Metrics, Trial
from tuner.execution.host import Host
from tuner.execution.rng_isolation import Randomness
from tuner.execution.user_failures import failure_of, unusable

_ENDED = 1
"""The exit code of a process that a stopped function would not end in."""


@final
@dataclass(frozen=True, slots=True)
class _End:
    """The function is over: it returned these metrics, or failed, or raised what its process is to end by."""

    outcome: Metrics | Failure | None = None
    error: BaseException | None = None


@final
class _Exchange(Reporter):
    """Where a function's turns change hands."""

    def __init__(self, trial: Trial) -> None:
        self._checkpoints = trial.checkpoints
        self._process = os.getpid()
        self._one_at_a_time = threading.Lock()
        self._stopped = False
        self.outcomes: SimpleQueue[Any] = SimpleQueue()
        """What the function hands over: metrics, and in the end an `_End`."""
        self.turns: SimpleQueue[bool] = SimpleQueue()
        """What it is given back: whether the trial continues."""
        self.has_reported = False
        self.is_refused = False
        """Whether the function turned out to be one that yields."""

    @property
    def should_stop(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """Let every report from now on be ignored."""
        self._stopped = True

    def report(self, metrics: Any, step: int | None) -> None:
        refuse_child(self._process)
        if self.is_refused:
            raise ConfigurationError("the objective yields its metrics, so it cannot report them too")
        with self._one_at_a_time:
            if self._stopped:
                return
            self._checkpoints.reach(step)
            self.has_reported = True
            self.hand_over(metrics)

    def hand_over(self, outcome: Any) -> None:
        """Hand metrics over, and wait for the turn to be given back."""
        self.outcomes.put(outcome)
        if not self.turns.get():
            self._stopped = True


@final
class FunctionCall:
    """One trial's function, which is called when its first turn comes."""

    def __init__(self, function: Callable[[Trial], Any], trial: Trial, host: Host, *, is_alone: bool) -> None:
        self._function = function
        self._exchange = _Exchange(trial)
        self._trial = replace(trial, reporter=self._exchange)
        self._host = host
        self._lent = host.thread if is_alone else None
        self._randomness = Randomness(trial.seed, trial.epoch)
        self._thread: threading.Thread | None = None
        self._has_begun = self._is_over = False
        self.has_ended = False
        """Whether the function has returned its metrics, and so will measure nothing more."""

    def take(self) -> Metrics | Failure | None:
        """Return what the function reports next, None at its end, and a failure where it raises."""
        if self._is_over:
            return None
        with self._randomness.in_place():
            self._give_turn()
            outcome = self._exchange.outcomes.get()
        return self._over(outcome) if isinstance(outcome, _End) else outcome

    def close(self) -> None:
        """Let the function end where it is, and wait until it has."""
        self._exchange.stop()
        if self._has_begun and not self._is_over:
            self._exchange.turns.put(False)
            with self._randomness.in_place():
                self._over(self._end())
        self._is_over = True

    def _end(self) -> _End:
        """Wait until the function has ended; a process that is there only for trials ends where it does not."""
        try:
            while True:
                outcome = self._exchange.outcomes.get(timeout=self._host.grace_seconds)
                if isinstance(outcome, _End):
                    return outcome
        except Empty:
            sys.stderr.write(
                f"trial {self._trial.number} has not ended {self._host.grace_seconds:g} s after it was stopped, so the "
                "process that it shares with others is ended: let tuner.StopTrial pass\n"
            )
            sys.stderr.flush()
            os._exit(_ENDED)

    def _over(self, end: _End) -> Metrics | Failure | None:
        self._is_over = True
        if self._thread is not None:
            self._thread.join()
        if end.error is not None:
            raise end.error
        return end.outcome

    def _give_turn(self) -> None:
        if self._has_begun:
            self._exchange.turns.put(True)
            return
        self._has_begun = True
        if self._lent is not None:
            self._lent.submit(self._run)
        else:
            self._thread = threading.Thread(target=self._run, args=[None], name="tuner-trial", daemon=True)
            self._thread.start()

    def _run(self, interrupt: BaseException | None) -> None:
        """Call the function, in the thread that it is to run in, and hand over how it ends."""
        end = _End()
        try:
            if interrupt is not None:
                raise interrupt  # noqa: TRY301 - it is what the function would have raised
            with entered(self._trial):
                end = _End(self.call())
        except StopTrial:
            pass
        except BaseException as error:  # noqa: BLE001 - a host that takes turns raises what is not a failure
            if not self._host.is_failure(error):
                end = _End(error=error)
            elif not self._exchange.should_stop:  # else the trial is over, and its clean-up changes nothing
                end = _End(failure_of(error))
        self._exchange.stop()
        self._exchange.outcomes.put(end)

    def call(self) -> Metrics | Failure | None:
        """Run the function to its end; return its last metrics, None where it has reported them itself."""
        produced = self._function(self._trial)
        if isinstance(produced, Generator):
            self._exchange.is_refused = True
            self._yield_from(produced)
            return None
        if self._exchange.has_reported:
            return None
        if (problem := unusable(produced)) is not None:
            return problem
        self.has_ended = True
        metrics: Metrics = produced
        return metrics

    def _yield_from(self, generator: Generator[Any, None, None]) -> None:
        """Hand over what a generator yields that the function has returned."""
        for metrics in generator:
            self._exchange.hand_over(metrics)
            if self._exchange.should_stop:
                generator.close()
                return
