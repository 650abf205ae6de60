"""The simple form of an objective, a generator function, as a cohort of one."""

import traceback
from collections.abc import Callable, Collection, Generator, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.objective import Cohort, Objective
from tuner.domain.trial import Failure, FailureReason, Metrics, Trial


@final
class GeneratorObjective(Objective):
    """Trains with a function that takes a trial and yields its metrics after each epoch.

    A function that returns its metrics instead has measured one epoch.
    """

    def __init__(self, function: Callable[[Trial], Any]) -> None:
        self._function = function

    def start(self, trials: Sequence[Trial]) -> Cohort:
        (trial,) = trials
        return GeneratorCohort(trial.number, self._function(trial))

    def cohort_key(self, config: Config) -> Hashable | None:
        return None


@final
class GeneratorCohort(Cohort):
    """One trial in training; `produced` is what the user's function gave: a generator, or already the metrics."""

    def __init__(self, number: int, produced: Any) -> None:
        self._number = number
        self._generator = produced if isinstance(produced, Generator) else _once(produced)

    def advance(self) -> Mapping[int, Metrics | Failure | None]:
        return {self._number: next(self._generator, None)}

    def drop(self, numbers: Collection[int]) -> None:
        if self._number in numbers:
            # The trial is over: whatever its clean-up raises can no longer change what it measured.
            with suppress(Exception):
                self._generator.close()


def _once(produced: Any) -> Generator[Any, None, None]:
    if produced is not None:
        yield produced


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an objective's exception means, without the frames that are ours."""
    frames = traceback.TracebackException.from_exception(error)
    last = f" ({frames.stack[-1].filename}:{frames.stack[-1].lineno})" if frames.stack else ""
    return Failure(
        reason=FailureReason.RAISED,
        message=f"{type(error).__name__}: {error}{last}",
        traceback="".join(frames.format()),
    )
