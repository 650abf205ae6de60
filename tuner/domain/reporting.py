"""How a function's reports reach the study: the port, and what a report may look like."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from operator import index
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


def as_step(step: Any) -> int | None:
    """Return a step as a whole number from 1; raises `TypeError` or `ValueError` where it is none."""
    if step is None:
        return None
    if isinstance(step, bool) or (found := index(step)) < 1:
        raise ValueError(f"step={step!r}: a step is how far the trial is, a whole number from 1")
    return found
