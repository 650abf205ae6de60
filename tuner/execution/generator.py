"""The simple form of an objective, a generator function, as a cohort whose members take turns."""

import inspect
import signal
import threading
import traceback
from collections.abc import Callable, Collection, Generator, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, TunerError, circumstances, their_place
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, FailureReason, Metrics, Trial
from tuner.execution.rng_isolation import Randomness
from tuner.formatting.redaction import redacted

_HERE = Path(__file__).parent

IsFailure = Callable[[BaseException], bool]
"""Whether what user code raises is its trial's failure, and nothing that the process is to end by."""


def is_failure_here(error: BaseException) -> bool:
    """Whether an exception is a trial's failure in a process that is not the trial's own: all but a person's Ctrl-C.

    Where somebody handles that, a KeyboardInterrupt is one that the code itself has raised.
    """
    is_handled = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    in_main = threading.current_thread() is threading.main_thread()
    return is_handled or not in_main or not isinstance(error, KeyboardInterrupt)


def is_failure_of_a_guest(_: BaseException) -> bool:
    """Whether an exception is a trial's failure in the trial's own process: whatever it is."""
    return True


@final
class GeneratorObjective(Objective):
    """Trains with a function that takes a trial and yields its metrics after each epoch.

    A function that returns its metrics instead has measured one epoch. Several trials in a worker train an epoch each
    in turn: nothing is batched, but one answer of the study's serves all of them. Each has its own random generators
    and, but for one that begins alone, its own thread: a function that yields inside `torch.inference_mode()` or
    `torch.autocast()` leaves those on for nobody else.
    """

    grows: ClassVar[bool] = True

    def __init__(self, function: Callable[[Trial], Any], is_failure: IsFailure = is_failure_here) -> None:
        if problem := unfit(function):
            raise ConfigurationError(problem)
        self._function = function
        self._is_failure = is_failure

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return GeneratorCohort(self._function, trials, self._is_failure)

    def cohort_key(self, config: Config) -> Hashable | None:
        return ()


@final
class GeneratorCohort(Cohort):
    """Trials in training by turns; what one of them raises is its own failure."""

    def __init__(
        self, function: Callable[[Trial], Any], trials: Sequence[Trial], is_failure: IsFailure = is_failure_here
    ) -> None:
        self._function = function
        self._is_failure = is_failure
        self._members: dict[int, _Turn | _Threaded] = {}
        if len(trials) == 1:
            self._members[trials[0].number] = self._turn(trials[0])
        else:
            self.add(trials)

    def add(self, trials: Sequence[Trial]) -> None:
        self._members.update({trial.number: _Threaded(self._turn(trial)) for trial in trials})

    def _turn(self, trial: Trial) -> "_Turn":
        return _Turn(self._function, trial, self._is_failure)

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

    def __init__(self, function: Callable[[Trial], Any], trial: Trial, is_failure: IsFailure) -> None:
        self._is_failure = is_failure
        self._randomness = Randomness(trial.seed, trial.epoch)
        self.has_ended = False
        """Whether the function has returned its metrics, and so will measure nothing more."""
        self._generator = self._begun(function, trial)

    def take(self) -> Metrics | Failure | None:
        """Return what the generator yields next, None at its end, and a failure where it raises."""
        try:
            with self._randomness.in_place():
                return next(self._generator, None)
        except BaseException as error:
            if not self._is_failure(error):
                raise
            return failure_of(error)

    def close(self) -> None:
        try:
            with self._randomness.in_place():
                self._generator.close()
        except BaseException as error:
            # The trial is over: whatever its clean-up raises can no longer change what it measured.
            if not self._is_failure(error):
                raise

    def _begun(self, function: Callable[[Trial], Any], trial: Trial) -> Generator[Any, None, None]:
        """Yield what the function's generator yields, or once what it returned instead."""
        produced = function(trial)
        if isinstance(produced, Generator):
            yield from produced
            return
        self.has_ended = True
        yield produced if (problem := unusable(produced)) is None else problem


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


_WANTED = "write a function that yields its metrics after each epoch, or returns them, such as {'loss': 0.1}"


def unfit(found: Any) -> str:
    """Return why what was found as an objective cannot be called with a trial; "" where it can, for all one sees."""
    if isinstance(found, type):
        name = found.__name__
        return f"the objective {name} is a class, and inherits neither tuner.Objective nor tuner.OwnModel; {_WANTED}"
    if isinstance(found, Generator):
        name = found.gi_code.co_name if inspect.isgenerator(found) else "the function"
        return f"the objective is a generator, what calling {name} has returned: give {name} itself, without the call"
    if not callable(found):
        return f"the objective is {_a(found)}, which cannot be called with a trial; {_WANTED}"
    call = found if inspect.isroutine(found) or isinstance(found, partial) else type(found).__call__
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        name = getattr(found, "__name__", type(found).__name__)
        return f"the objective {name} is async: write a plain function, in which asyncio.run(...) runs what is async"
    return _miscalled(found)


def _miscalled(found: Callable[..., Any]) -> str:
    """Return why a function cannot be called with a trial alone; "" where it can, or does not say what it takes."""
    try:
        signature = inspect.signature(found)
    except ValueError:  # functions that are written in C may not say
        return ""
    try:
        signature.bind(None)
    except TypeError:
        name = getattr(found, "__name__", type(found).__name__)
        taken = signature.replace(return_annotation=signature.empty)
        return f"the objective {name}{taken} cannot be called with a trial alone, as {name}(trial)"
    return ""


def unusable(returned: Any) -> Failure | None:
    """Return the failure that it is to return this; None where it may be metrics."""
    if returned is None:
        return Failure(
            reason=FailureReason.NO_METRICS,
            message="the objective returned nothing: it is to return its metrics, such as {'loss': 0.1}, or to yield "
            "them after each epoch",
        )
    if inspect.isawaitable(returned) or inspect.isasyncgen(returned):
        if inspect.iscoroutine(returned):
            returned.close()  # or Python warns that nobody has awaited it
        message = f"the objective returned {_a(returned)}: asyncio.run(...) inside of it runs what is async"
        return Failure(reason=FailureReason.NO_METRICS, message=message)
    return None


def _a(thing: Any) -> str:
    kind = type(thing).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


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
        message=redacted(f"{type(error).__name__}: {_text(error)}{circumstances(error)}{last}"),
        traceback=redacted("".join(frames.format())),
    )


def _text(error: BaseException) -> str:
    """Return what an exception says, which a person's own class may not be able to."""
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001 - it is user code too
        return f"(its text raises {type(another).__name__})"
