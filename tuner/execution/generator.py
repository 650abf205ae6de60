"""The simple forms of an objective, a generator function or a plain one, as a cohort whose members take turns."""

import inspect
from collections.abc import Callable, Collection, Generator, Hashable, Mapping, Sequence
from typing import Any, ClassVar, final

from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.current_trial import entered
from tuner.domain.errors import ConfigurationError
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, Metrics, Trial
from tuner.execution.function_call import FunctionCall
from tuner.execution.host import Host
from tuner.execution.rng_isolation import Randomness
from tuner.execution.user_failures import called, failure_of, unfit


@final
class GeneratorObjective(Objective):
    """Trains with a function that takes a trial and yields its metrics after each epoch, or reports or returns them.

    Several trials in a worker train an epoch each in turn: nothing is batched, but one answer of the study's serves all
    of them. Each has its own random generators and, but for a generator that begins alone, its own thread: a function
    that yields inside `torch.inference_mode()` or `torch.autocast()` leaves those on for no other trial.
    """

    grows: ClassVar[bool] = True

    def __init__(self, function: Callable[[Trial], Any], host: Host | None = None) -> None:
        if problem := unfit(function):
            raise ConfigurationError(problem)
        self._function = function
        self._host = host or Host()

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return GeneratorCohort(self._function, trials, self._host)

    def cohort_key(self, config: Config) -> Hashable | None:
        return ()


@final
class GeneratorCohort(Cohort):
    """Trials in training by turns; what one of them raises is its own failure."""

    def __init__(self, function: Callable[[Trial], Any], trials: Sequence[Trial], host: Host) -> None:
        self._function = function
        self._host = host
        self._members: dict[int, _Turn | FunctionCall] = {}
        if len(trials) == 1:
            self._members[trials[0].number] = self._alone(trials[0])
        else:
            self.add(trials)

    def add(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._members[trial.number] = FunctionCall(self._function, trial, self._host, is_alone=False)

    def _alone(self, trial: Trial) -> "_Turn | FunctionCall":
        if is_generator_function(self._function):
            return _Turn(self._function, trial, self._host)
        return FunctionCall(self._function, trial, self._host, is_alone=True)

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
    """One trial's generator, in the thread that takes its turns; it is begun when the first one comes."""

    has_ended = False

    def __init__(self, function: Callable[[Trial], Generator[Any, None, None]], trial: Trial, host: Host) -> None:
        self._trial = trial
        self._is_failure = host.is_failure
        self._randomness = Randomness(trial.seed, trial.epoch)
        self._generator = function(trial)

    def take(self) -> Metrics | Failure | None:
        """Return what the generator yields next, None at its end, and a failure where it raises."""
        try:
            with self._randomness.in_place(), entered(self._trial):
                return next(self._generator, None)
        except BaseException as error:
            if not self._is_failure(error):
                raise
            return failure_of(error)

    def close(self) -> None:
        try:
            with self._randomness.in_place(), entered(self._trial):
                self._generator.close()
        except BaseException as error:
            # The trial is over: whatever its clean-up raises can no longer change what it measured.
            if not self._is_failure(error):
                raise


def is_generator_function(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a generator, for all one sees without calling it."""
    return inspect.isgeneratorfunction(called(function))


def needs_thread(objective: Any) -> bool:
    """Whether an objective is a plain function, which keeps its thread from its first report to its end."""
    return not isinstance(objective, type | Command) and not is_generator_function(objective)
