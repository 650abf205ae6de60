"""The dimension that is one of several values, or one of several branches with parameters of their own."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, final

from tuner.domain.config import Scalar
from tuner.domain.parameter import NotGiven, Parameter, is_infinite
from tuner.domain.prior import option_near


@final
@dataclass(frozen=True, slots=True, init=False)
class Choice(Parameter):
    """One of several values, or one of several branches of which each has parameters of its own.

    `Choice("relu", "gelu")` is a categorical. `Choice(sgd={"lr": Float(...)}, adam={...})` is conditional: a
    configuration has only the parameters of the chosen branch. Values beside branches are branches without parameters.
    `prior` is the option that is probably the best one: half of the first configurations have it. A dict of parameters
    there is a branch of that name.
    """

    options: tuple[Scalar, ...]
    branches: Mapping[Scalar, Mapping[str, Parameter]] | None
    given: Scalar | NotGiven
    prior: Scalar | NotGiven

    def __init__(
        self,
        /,
        *values: Scalar,
        default: Scalar | NotGiven = NotGiven.NOT_GIVEN,
        prior: Scalar | Mapping[str, Parameter] | NotGiven = NotGiven.NOT_GIVEN,
        **branches: Mapping[str, Parameter],
    ) -> None:
        if isinstance(prior, Mapping):
            branches, prior = {**branches, "prior": prior}, NotGiven.NOT_GIVEN
        plain: dict[Scalar, Mapping[str, Parameter]] = {value: {} for value in values if _is_scalar(value)}
        object.__setattr__(self, "options", (*values, *branches))
        object.__setattr__(self, "branches", {**plain, **branches} if branches else None)
        object.__setattr__(self, "given", default)
        object.__setattr__(self, "prior", prior)

    @property
    def default(self) -> Scalar:
        given = self.prior if isinstance(self.given, NotGiven) else self.given
        return self.options[0] if isinstance(given, NotGiven) else given

    @property
    def has_prior(self) -> bool:
        return not isinstance(self.prior, NotGiven)

    @property
    def count(self) -> int:
        return len(self.options)

    def problems(self) -> Iterator[str]:
        if not self.options:
            yield "a choice needs at least one value"
            return
        wrong = [value for value in self.options if not _is_scalar(value)]
        if wrong:
            yield f"{wrong[0]!r} cannot be chosen: values are text, numbers, true, false or none{self._unpacked()}"
            return
        yield from (f"{value!r} is not finite" for value in self.options if is_infinite(value))
        repeated = {repr(value) for value in self.options if self.options.count(value) > 1}
        yield from (f"{value} is chosen twice" for value in sorted(repeated))
        named = (name for name, branch in (self.branches or {}).items() if branch)
        yield from (
            f"{name!r} cannot be the name of a branch: its parameters' paths have it between dots"
            for name in named
            if not str(name).strip() or "." in str(name)
        )
        for key, value in (("default", self.given), ("prior", self.prior)):
            if not isinstance(value, NotGiven) and not any(_is_same(value, each) for each in self.options):
                yield f"{key} {value!r} is none of {', '.join(map(repr, self.options))}"

    def _unpacked(self) -> str:
        """Return how the values are given that a single list has; "" for anything else."""
        given: Any = self.options[0]
        if len(self.options) > 1 or not isinstance(given, list | tuple) or not all(map(_is_scalar, given)):
            return ""
        return f"; write Choice({', '.join(map(repr, given))})" if given else ""

    def at(self, quantile: float) -> Scalar:
        return self.options[min(len(self.options) - 1, math.floor(quantile * len(self.options)))]

    def likely(self, quantile: float) -> Scalar:
        if isinstance(self.prior, NotGiven):
            return self.at(quantile)
        guess = next(index for index, option in enumerate(self.options) if _is_same(option, self.prior))
        return self.options[option_near(guess, len(self.options), quantile)]

    def nearest(self, value: Scalar) -> Scalar:
        return next((each for each in self.options if _is_same(each, value)), self.default)

    def grid(self, points: int) -> tuple[Scalar, ...]:
        return self.options

    def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = {"type": "Choice", "default": self.default}
        if not isinstance(self.prior, NotGiven):
            description["prior"] = self.prior
        if self.branches is None:
            return description | {"values": list(self.options)}
        if not all(isinstance(option, str) for option in self.options):
            description["values"] = list(self.options)  # JSON has no keys but text
        return description | {
            "branches": {
                name: {key: parameter.describe() for key, parameter in branch.items()}
                for name, branch in self.branches.items()
                if isinstance(name, str)
            }
        }

    def __str__(self) -> str:
        near = "" if isinstance(self.prior, NotGiven) else f", probably {self.prior}"
        return " | ".join(str(option) for option in self.options) + near


def _is_scalar(value: object) -> TypeGuard[Scalar]:
    return isinstance(value, bool | int | float | str | None)


def _is_same(one: object, other: object) -> bool:
    """Whether two values are the same choice: 1 and 1.0 are, True is another one."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)
