"""The simple form of an objective, a generator function, as a cohort whose members take turns."""

import traceback
from asyncio.exceptions import CancelledError
from collections.abc import Callable, Collection, Generator, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.config import Config
from tuner.domain.errors import TunerError, circumstances, their_place
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, FailureReason, Metrics, Trial
from tuner.execution.randomness import Randomness

_HERE = Path(__file__).parent

# What user code may throw without taking the worker with it: sys.exit() ends a trial, Ctrl-C ends the study.
RECOVERABLE = (Exception, SystemExit, CancelledError)


@final
class GeneratorObjective(Objective):
    """Trains with a function that takes a trial and yields its metrics after each epoch.

    A function that returns its metrics instead has measured one epoch. Several trials in a worker train an epoch each
    in turn: nothing is batched, but one answer of the study's serves all of them. Each has its own random generators
    and, but for one that begins alone, its own thread: a function that yields inside `torch.inference_mode()` or
    `torch.autocast()` leaves those on for nobody else.
    """

    grows: ClassVar[bool] = True

    def __init__(self, function: Callable[[Trial], Any]) -> None:
        self._function = function

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return GeneratorCohort(self._function, trials)

    def cohort_key(self, config: Config) -> Hashable | None:
        return ()


@final
class GeneratorCohort(Cohort):
    """Trials in training by turns; what one of them raises is its own failure."""

    def __init__(self, function: Callable[[Trial], Any], trials: Sequence[Trial]) -> None:
        self._function = function
        self._members: dict[int, _Turn | _Threaded] = {}
        if len(trials) == 1:
            self._members[trials[0].number] = _Turn(function, trials[0])
        else:
            self.add(trials)

    def add(self, trials: Sequence[Trial]) -> None:
        self._members.update({trial.number: _Threaded(_Turn(self._function, trial)) for trial in trials})

    def advance(self) -> Mapping[int, Metrics | Failure | None]:
        return {number: member.take() for number, member in self._members.items()}

    def ended(self) -> Collection[int]:
        return [number for number, member in self._members.items() if member.has_ended]

    def drop(self, numbers: Collection[int]) -> None:
        for number in numbers:
            if (member := self._members.pop(number, None)) is not None:
                member.close()


@final
class _Turn:
    """One trial's generator, which is begun when its first turn comes."""

    def __init__(self, function: Callable[[Trial], Any], trial: Trial) -> None:
        self._randomness = Randomness(trial.seed, trial.epoch)
        self.has_ended = False
        """Whether the function has returned its metrics, and so will measure nothing more."""
        self._generator = self._begun(function, trial)

    def take(self) -> Metrics | Failure | None:
        """Return what the generator yields next, None at its end, and a failure where it raises."""
        try:
            with self._randomness.in_place():
                return next(self._generator, None)
        except RECOVERABLE as error:
            return failure_of(error)

    def close(self) -> None:
        # The trial is over: whatever its clean-up raises can no longer change what it measured.
        with suppress(*RECOVERABLE), self._randomness.in_place():
            self._generator.close()

    def _begun(self, function: Callable[[Trial], Any], trial: Trial) -> Generator[Any, None, None]:
        """Yield what the function's generator yields, or once what it returned instead."""
        produced = function(trial)
        if isinstance(produced, Generator):
            yield from produced
        elif produced is not None:
            self.has_ended = True
            yield produced


@final
class _Threaded:
    """A trial whose turns are taken in a thread of its own, while the caller waits."""

    def __init__(self, turn: _Turn) -> None:
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, "tuner-trial")

    @property
    def has_ended(self) -> bool:
        """Whether the trial's function has returned."""
        return self._turn.has_ended

    def take(self) -> Metrics | Failure | None:
        return self._thread.submit(self._turn.take).result()

    def close(self) -> None:
        self._thread.submit(self._turn.close).result()
        self._thread.shutdown()


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an objective's exception means, without the frames that are ours."""
    frames = traceback.TracebackException.from_exception(error)
    theirs = [frame for frame in frames.stack if Path(frame.filename).parent != _HERE]
    frames.stack = traceback.StackSummary.from_list(theirs or frames.stack)
    # torch's own error is no MemoryError, and this file knows nothing of torch.
    is_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    innermost = f" ({frames.stack[-1].filename}:{frames.stack[-1].lineno})" if frames.stack else ""
    # What we refuse says what is wanted, and our own line says nothing more.
    last = their_place(error) or ("" if isinstance(error, TunerError) else innermost)
    return Failure(
        reason=FailureReason.OUT_OF_MEMORY if is_memory else FailureReason.RAISED,
        message=f"{type(error).__name__}: {_text(error)}{circumstances(error)}{last}",
        traceback="".join(frames.format()),
    )


def _text(error: BaseException) -> str:
    """Return what an exception says, which a person's own class may not be able to."""
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001 - it is user code too
        return f"(its text raises {type(another).__name__})"
