"""The port of a search space's dimensions; `number.py` and `choice.py` have the three that there are.

Building one never raises: a space collects the `problems()` of all its parameters and reports them together.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import Enum
from typing import Any

from tuner.domain.config import Scalar


class NotGiven(Enum):
    """Stands for a default or a prior that was not given: None is a value that a choice can have."""

    NOT_GIVEN = "not given"


class Parameter(ABC):
    """One dimension of a search space."""

    @property
    @abstractmethod
    def default(self) -> Scalar:
        """The value the default configuration has: the one given, else the prior, else the middle of the range."""

    @property
    @abstractmethod
    def count(self) -> float:
        """How many values it can have, whatever they lead to: infinity for a real number without steps."""

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """Yield what makes this parameter unusable; nothing when it is fine."""

    @abstractmethod
    def at(self, quantile: float) -> Scalar:
        """Return the value at `quantile` (0 to 1) of the range, on its own scale (log, steps, categories)."""

    @property
    @abstractmethod
    def has_prior(self) -> bool:
        """Whether it was said which value is probably good."""

    @abstractmethod
    def likely(self, quantile: float) -> Scalar:
        """Return the value at `quantile` (0 to 1) of the law around its prior; as `at` where it has none."""

    @abstractmethod
    def nearest(self, value: Scalar) -> Scalar:
        """Return the value it can have that is nearest to `value`; its default where `value` is of another kind."""

    @abstractmethod
    def grid(self, points: int) -> tuple[Scalar, ...]:
        """Return at most `points` values spread over the range; a choice always returns all of its values."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the JSON form that fingerprints, storage and comparisons use."""


def is_infinite(value: object) -> bool:
    """Whether a value is a float without a number: infinity, or none at all."""
    return isinstance(value, float) and not math.isfinite(value)
