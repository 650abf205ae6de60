"""Dimensions that are ranges of numbers: Float and Int."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeGuard, final

from tuner.domain.config import Scalar
from tuner.domain.parameter import Parameter, is_infinite
from tuner.domain.prior import quantile_near

_MOST_STEPS = 2**53
"""How many consecutive whole numbers a float can distinguish."""

_WRITTEN = 15
"""How many digits a float keeps of a number that was written down."""

_ROUNDING = 1e-8
"""By how much of a step a number may be off: a sum of steps is not exact."""


@dataclass(frozen=True, slots=True, init=False)
class _Range(Parameter):
    low: float
    high: float
    log: bool
    step: float | None
    given: float | None
    prior: float | None

    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        step: float | None = None,
        default: float | None = None,
        prior: float | None = None,
    ) -> None:
        fields = {"low": low, "high": high, "log": log, "step": step, "given": default, "prior": prior}
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def problems(self) -> Iterator[str]:
        numbers = {"low": self.low, "high": self.high, "step": self.step, "default": self.given, "prior": self.prior}
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
        yield from self._problems_of_scale()
        for name, value in (("default", self.given), ("prior", self.prior)):
            if value is not None and not self.low <= value <= self.high:
                yield f"{name} {value:g} is outside {self.low:g} to {self.high:g}"
        if self.step is not None and self.step > 0:
            yield from self._problems_of_steps(self.step)

    def _problems_of_scale(self) -> Iterator[str]:
        if self.low > self.high:
            yield f"low {self.low:g} is above high {self.high:g}"
        if self.log and self.low <= 0:
            yield f"a log scale needs low above 0, not {self.low:g}"
        if self.step is not None and self.step <= 0:
            yield f"step {self.step:g} is not above 0"
        if self.log and self.step is not None:
            yield "a log scale takes no step"

    def _problems_of_steps(self, step: float) -> Iterator[str]:
        if (self.high - self.low) / step > _MOST_STEPS:
            yield f"step {step:g} is too small for {self.low:g} to {self.high:g}"
        elif self.given is not None and self.low <= self.given <= self.high:
            near = min(self.last, max(self.low, stepped(self.low, step, self.given)))
            if abs(near - self.given) > _ROUNDING * step:
                yield f"default {self.given:g} lies between the steps of {step:g} from {self.low:g}; {near:g} is near"

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
        return isinstance(value, int | float) and not isinstance(value, bool) and not is_infinite(value)

    def describe(self) -> dict[str, Any]:
        return {
            "type": type(self).__name__,
            "low": self.low,
            "high": self.high,
            "log": self.log,
            "step": self.step,
            "default": self.default,
            # Spaces without priors keep the fingerprint that they had before there were any.
            **({} if self.prior is None else {"prior": self.prior}),
        }

    @property
    def has_prior(self) -> bool:
        return self.prior is not None

    def likely(self, quantile: float) -> float:
        return self.at(quantile if self.prior is None else quantile_near(self.quantile(self.prior), quantile))

    @abstractmethod
    def at(self, quantile: float) -> float: ...

    @property
    def last(self) -> float:
        """The highest value it can have: below `high` where the steps do not lead there."""
        if self.step is None:
            return self.high
        # A number as people write it can lie outside by one rounding.
        return min(self.high, max(self.low, stepped(self.low, self.step, self.low + self._steps * self.step)))

    @property
    def _steps(self) -> int:
        """How many steps lead from the lowest to the highest value."""
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9)

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
        near = f" near {self.prior:g}" if self.prior is not None else ""
        return f"{self.low:g} .. {self.high:g}{' log' if self.log else ''}{step}{near}"


@final
class Float(_Range):
    """A real number from `low` to `high`, both included; `log` searches it on a logarithmic scale.

    `prior` is a value that is probably near the best one: many of the first configurations lie around it.
    """

    __slots__ = ()

    @property
    def default(self) -> float:
        given = self.prior if self.given is None else self.given
        return self.at(0.5) if given is None else self._inside(float(given))

    @property
    def count(self) -> float:
        if self.low == self.high:
            return 1
        return math.inf if self.step is None else self._steps + 1

    def at(self, quantile: float) -> float:
        low, high = self._edges()
        value = low + quantile * (high - low)
        return self._inside(math.exp(value) if self.log else value)

    def _inside(self, value: float) -> float:
        """Return the value that is nearest to `value`: in the range and on a step, as people write it.

        What proposes values computes with sums and logarithms, which leave both by a rounding: every value passes here.
        """
        near = value if self.step is None else stepped(self.low, self.step, value)
        return min(float(self.last), max(float(self.low), float(near)))

    def nearest(self, value: Scalar) -> float:
        if not _is_number(value):
            return self.default
        return self._inside(float(value))

    def grid(self, points: int) -> tuple[Scalar, ...]:
        if self.low == self.high or points == 1:
            return (self.default,)
        return tuple(dict.fromkeys(self.at(index / (points - 1)) for index in range(points)))


@final
class Int(_Range):
    """A whole number from `low` to `high`, both included; `prior` is one that is probably near the best."""

    __slots__ = ()

    _noun = "a whole number"
    _most = _MOST_STEPS

    @staticmethod
    def _takes(value: object) -> bool:
        return value is None or (isinstance(value, int) and not isinstance(value, bool))

    @property
    def default(self) -> int:
        if self.given is not None:
            return int(self.given)
        return self.at(0.5) if self.prior is None else self.nearest(self.prior)

    @property
    def count(self) -> int:
        return (int(self.high) - int(self.low)) // int(self.step or 1) + 1

    def at(self, quantile: float) -> int:
        low, high = self._edges()
        if self.log:
            value = math.exp(low + quantile * (high - low))
            return int(min(self.high, max(self.low, math.floor(value + 0.5))))
        step = int(self.step or 1)
        return int(self.low) + step * min(self.count - 1, math.floor(quantile * self.count))

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
        if self.count <= points:
            return tuple(range(int(self.low), int(self.high) + 1, int(self.step or 1)))
        return tuple(dict.fromkeys(self.at(index / max(1, points - 1)) for index in range(points)))


def stepped(low: float, step: float, value: float) -> float:
    """Return the number that is nearest to `value` among `low`, `low + step`, ..., as people write it.

    >>> stepped(0, 0.1, 0.1 + 0.2), stepped(1, 2, 4.9)
    (0.3, 5.0)
    """
    count, size = round((value - low) / step), Decimal(repr(step))
    if count == 0:
        return float(low)
    exact = float(Decimal(repr(low)) + count * size)
    # A computed step, such as 1 / 3, was rounded itself.
    return exact if len(size.as_tuple().digits) <= _WRITTEN else float(f"{exact:.14g}")


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
