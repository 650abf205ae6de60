"""How a function's reports reach the study: the port, and what a report may look like."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from operator import index
from reprlib import repr as short
from typing import Any, final

from tuner.domain.errors import ConfigurationError


class Reporter(ABC):
    """Takes the reports of one trial's function."""

    @property
    @abstractmethod
    def should_stop(self) -> bool:
        """Whether the study wants the trial to end."""

    @abstractmethod
    def report(self, metrics: Any, step: int | None) -> None:
        """Hand metrics over and wait for the study's answer. Safe to call from any thread of the trial's process."""


@final
class NoReports(Reporter):
    """Stands where an objective says in another way what it measures."""

    @property
    def should_stop(self) -> bool:
        return False

    def report(self, metrics: Any, step: int | None) -> None:
        raise ConfigurationError(
            "trial.report(...) is for objectives that are plain functions, and this one is none",
            hint="a function with `yield` in it yields its metrics instead; without any `yield` it can report them",
        )


def combined(metrics: Any, named: Mapping[str, Any]) -> Any:
    """Return metrics that were given as a mapping and as keywords in one; raises `TypeError` where there are none."""
    if isinstance(metrics, Mapping):
        if metrics or named:
            return {**metrics, **named}
    elif metrics is None and named:
        return dict(named)
    elif metrics is not None and not named:
        return metrics
    raise TypeError("give what was measured to report: report({'loss': 0.1}), or report(loss=0.1)")


def as_number(value: Any) -> float | None:
    """Return a value as a float, infinity where it is too large for one; None for text and whatever else is no number.

    Anything that converts to a float is a number: NumPy's scalars, arrays and tensors of one element too.
    """
    if isinstance(value, str | bytes):
        return None
    try:
        # A tensor that still carries its gradient is a number too; torch warns when it is taken for one.
        plain = value.detach() if hasattr(value, "detach") else value
        # NumPy warns when it takes an array of one element for a number.
        return float(plain.item() if hasattr(plain, "ndim") and hasattr(plain, "item") else plain)
    except OverflowError:
        return math.inf
    except Exception:  # noqa: BLE001 - to convert an object runs its own code, which may raise anything
        return None


def portable(metrics: Any) -> Any:
    """Return metrics as another process can be sent them: what is no number is text, which the study refuses."""
    if isinstance(metrics, Mapping):
        return {str(name): portable(value) for name, value in metrics.items()}
    number = as_number(metrics)
    return str(metrics) if number is None else number


def as_step(step: Any) -> int | None:
    """Return a step as a whole number from 1; raises `TypeError` or `ValueError` where it is none."""
    if step is None:
        return None
    if isinstance(step, bool) or (found := index(step)) < 1:
        raise ValueError(f"step={short(step)}: a step is how far the trial is, a whole number from 1")
    return found
