"""The dimensions of a search space: Float, Int and Choice.

Building one never raises: a space collects the `problems()` of all its parameters and reports them together.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, final

from tuner.domain.config import Scalar

_MOST_STEPS = 2**53
"""How many whole numbers, one after the other, a float can tell apart."""

_ROUNDING = 1e-8
"""By how much of a step a number may be off: a sum of steps is not exact."""


class Parameter(ABC):
    """One dimension of a search space."""

    @property
    @abstractmethod
    def default(self) -> Scalar:
        """The value the default configuration has: the one given, else the middle of the range."""

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """Yield what makes this parameter unusable; nothing when it is fine."""

    @abstractmethod
    def at(self, quantile: float) -> Scalar:
        """Return the value at `quantile` (0 to 1) of the range, on its own scale (log, steps, categories)."""

    @abstractmethod
    def nearest(self, value: Scalar) -> Scalar:
        """Return the value it can have that is nearest to `value`; its default where `value` is of another kind."""

    @abstractmethod
    def grid(self, points: int) -> tuple[Scalar, ...]:
        """Return at most `points` values spread over the range; a choice always returns all of its values."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the JSON form that fingerprints, storage and comparisons use."""


@dataclass(frozen=True, slots=True, init=False)
class _Range(Parameter):
    low: float
    high: float
    log: bool
    step: float | None
    given: float | None

    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        step: float | None = None,
        default: float | None = None,
    ) -> None:
        for name, value in (("low", low), ("high", high), ("log", log), ("step", step), ("given", default)):
            object.__setattr__(self, name, value)

    def problems(self) -> Iterator[str]:
        numbers = {"low": self.low, "high": self.high, "step": self.step, "default": self.given}
        wrong = [f"{name} {value!r} is not {self._noun}" for name, value in numbers.items() if not self._takes(value)]
        wrong += [f"{name} is missing" for name in ("low", "high") if numbers[name] is None]
        if not isinstance(self.log, bool):
            wrong.append(f"log {self.log!r} is neither true nor false")
        if wrong:
            yield from wrong
            return
        if coarse := [*self._coarse(numbers)]:
            yield from coarse
            return
        if self.low > self.high:
            yield f"low {self.low:g} is above high {self.high:g}"
        if self.log and self.low <= 0:
            yield f"a log scale needs low above 0, not {self.low:g}"
        if self.step is not None and self.step <= 0:
            yield f"step {self.step:g} is not above 0"
        if self.log and self.step is not None:
            yield "a log scale takes no step"
        if self.given is not None and not self.low <= self.given <= self.high:
            yield f"default {self.given:g} is outside {self.low:g} to {self.high:g}"
        if self.step is not None and self.step > 0 and (self.high - self.low) / self.step > _MOST_STEPS:
            yield f"step {self.step:g} is too small for {self.low:g} to {self.high:g}"

    def _coarse(self, numbers: Mapping[str, Any]) -> Iterator[str]:
        """Yield which of these numbers floats are too coarse for."""
        for name, value in numbers.items():
            if value is not None and abs(value) > self._most:
                yield f"{name} is beyond {self._most:g}, where floats are too coarse"
            elif value is not None and float(value) != value:
                yield f"{name} {value} lies between two floats; the nearest one is {float(value):.0f}"

    _noun = "a finite number"
    _most = 1e300

    @staticmethod
    def _takes(value: object) -> bool:
        if value is None:
            return True
        return isinstance(value, int | float) and not isinstance(value, bool) and not _is_infinite(value)

    def describe(self) -> dict[str, Any]:
        return {
            "type": type(self).__name__,
            "low": self.low,
            "high": self.high,
            "log": self.log,
            "step": self.step,
            "default": self.default,
        }

    @property
    def last(self) -> float:
        """The highest value it can have: below `high` where the steps do not lead there."""
        if self.step is None:
            return self.high
        steps = math.floor((self.high - self.low) / self.step + 1e-9)
        # A number as people write it can lie outside by one rounding.
        return min(self.high, max(self.low, _tidy(self.low + steps * self.step)))

    def quantile(self, value: float) -> float:
        """Return where `value` lies in the range, 0 to 1: the inverse of `at`."""
        low, high = self._edges()
        if low == high:
            return 0.5
        position = math.log(value) if self.log else value
        return min(1.0, max(0.0, (position - low) / (high - low)))

    def _edges(self) -> tuple[float, float]:
        if self.log:
            return math.log(self.low), math.log(self.high)
        return self.low, self.high

    def __str__(self) -> str:
        step = f" step {self.step:g}" if self.step is not None else ""
        return f"{self.low:g} .. {self.high:g}{' log' if self.log else ''}{step}"


@final
class Float(_Range):
    """A real number from `low` to `high`, both included; `log` searches it on a logarithmic scale."""

    __slots__ = ()

    @property
    def default(self) -> float:
        return float(self.given) if self.given is not None else self.at(0.5)

    def at(self, quantile: float) -> float:
        low, high = self._edges()
        value = low + quantile * (high - low)
        if self.log:
            value = math.exp(value)
        elif self.step is not None:
            value = _tidy(self.low + round((value - self.low) / self.step) * self.step)
        # exp(log(x)) can leave the range by one rounding.
        return min(float(self.last), max(float(self.low), value))

    def nearest(self, value: Scalar) -> float:
        if not _is_number(value):
            return self.default
        inside = min(float(self.last), max(float(self.low), float(value)))
        steps = 0.0 if self.step is None else (inside - self.low) / self.step
        return inside if abs(steps - round(steps)) < _ROUNDING else self.at(self.quantile(inside))

    def grid(self, points: int) -> tuple[Scalar, ...]:
        if self.low == self.high or points == 1:
            return (self.default,)
        return tuple(dict.fromkeys(self.at(index / (points - 1)) for index in range(points)))


@final
class Int(_Range):
    """A whole number from `low` to `high`, both included."""

    __slots__ = ()

    _noun = "a whole number"
    _most = _MOST_STEPS

    @staticmethod
    def _takes(value: object) -> bool:
        return value is None or (isinstance(value, int) and not isinstance(value, bool))

    @property
    def default(self) -> int:
        return int(self.given) if self.given is not None else self.at(0.5)

    def at(self, quantile: float) -> int:
        low, high = self._edges()
        if self.log:
            value = math.exp(low + quantile * (high - low))
            return int(min(self.high, max(self.low, math.floor(value + 0.5))))
        step = int(self.step or 1)
        count = (int(self.high) - int(self.low)) // step + 1
        return int(self.low) + step * min(count - 1, math.floor(quantile * count))

    def nearest(self, value: Scalar) -> int:
        if not _is_number(value):
            return self.default
        low, step = int(self.low), int(self.step or 1)
        inside = min(int(self.last), max(low, round(value)))
        return low + step * round((inside - low) / step)

    def _edges(self) -> tuple[float, float]:
        # Half a unit on either side, so that both ends are as likely as what lies between them.
        if self.log:
            return math.log(self.low - 0.5), math.log(self.high + 0.5)
        return self.low - 0.5, self.high + 0.5

    def grid(self, points: int) -> tuple[Scalar, ...]:
        step = int(self.step or 1)
        count = (int(self.high) - int(self.low)) // step + 1
        if count <= points:
            return tuple(range(int(self.low), int(self.high) + 1, step))
        return tuple(dict.fromkeys(self.at(index / max(1, points - 1)) for index in range(points)))


@final
@dataclass(frozen=True, slots=True, init=False)
class Choice(Parameter):
    """One of several values, or one of several branches of which each has parameters of its own.

    `Choice("relu", "gelu")` is a categorical. `Choice(sgd={"lr": Float(...)}, adam={...})` is conditional: a
    configuration has the parameters of the chosen branch alone. Words beside branches are branches without parameters.
    """

    options: tuple[Scalar, ...]
    branches: Mapping[str, Mapping[str, Parameter]] | None
    given: Scalar

    def __init__(self, *values: Scalar, default: Scalar = None, **branches: Mapping[str, Parameter]) -> None:
        tree = {**{str(value): {} for value in values}, **branches} if branches else None
        object.__setattr__(self, "options", tuple(tree) if tree else values)
        object.__setattr__(self, "branches", tree)
        object.__setattr__(self, "given", default)

    @property
    def default(self) -> Scalar:
        return self.given if self.given is not None else self.options[0]

    def problems(self) -> Iterator[str]:
        if not self.options:
            yield "a choice needs at least one value"
            return
        wrong = [value for value in self.options if not isinstance(value, bool | int | float | str | None)]
        if wrong:
            yield f"{wrong[0]!r} cannot be chosen: values are text, numbers, true, false or none"
            return
        yield from (f"{value!r} is not finite" for value in self.options if _is_infinite(value))
        repeated = {repr(value) for value in self.options if self.options.count(value) > 1}
        yield from (f"{value} is chosen twice" for value in sorted(repeated))
        if self.given is not None and self.given not in self.options:
            yield f"default {self.given!r} is none of {', '.join(map(repr, self.options))}"

    def at(self, quantile: float) -> Scalar:
        return self.options[min(len(self.options) - 1, math.floor(quantile * len(self.options)))]

    def nearest(self, value: Scalar) -> Scalar:
        # 1 and 1.0 are the same choice, True is another one.
        same = (each for each in self.options if each == value and isinstance(each, bool) is isinstance(value, bool))
        return next(same, self.default)

    def grid(self, points: int) -> tuple[Scalar, ...]:
        return self.options

    def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = {"type": "Choice", "default": self.default}
        if self.branches is None:
            return description | {"values": list(self.options)}
        return description | {
            "branches": {
                name: {key: parameter.describe() for key, parameter in branch.items()}
                for name, branch in self.branches.items()
            }
        }

    def __str__(self) -> str:
        return " | ".join(str(option) for option in self.options)


def _tidy(value: float) -> float:
    """Return a sum of steps as people write it: 0.3 instead of 0.30000000000000004.

    >>> _tidy(0.1 + 0.2), _tidy(3)
    (0.3, 3)
    """
    return value if isinstance(value, int) else float(f"{value:.14g}")


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
