"""What may vary in a study: a tree of parameters, and the rules between them."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, final

from tuner.domain import parameter_tree
from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.errors import SearchSpaceError
from tuner.domain.halton import halton
from tuner.domain.number import Float
from tuner.domain.parameter import Parameter
from tuner.domain.parameter_tree import Choose, Condition
from tuner.formatting.values import amount

_TRIES = 1_000
_FACTORS = (0.8, 1.2)

_OF_FUNCTIONS = "parameters of a branch exist only where it was chosen: test config['architecture']['name'] first"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition every configuration must meet, and the sentence that says why.

    A condition that can't be computed is explained by its attribute `hint`, where it has one.
    """

    reason: str
    holds: Callable[[Config], bool]


@final
class SearchSpace:
    """A named set of parameters; those of a branch exist only where the branch was chosen.

    Raises `SearchSpaceError` with every mistake in it, each with its path.

    >>> space = SearchSpace(optimizer=Choice(sgd={"lr": Float(0.001, 1.0, log=True, default=0.1)}, adam={}))
    >>> space.default
    {'optimizer': {'name': 'sgd', 'lr': 0.1}}
    >>> space.flatten(space.default)
    {'optimizer': 'sgd', 'optimizer.sgd.lr': 0.1}
    """

    def __init__(self, /, **parameters: Parameter) -> None:
        problems = [*parameter_tree.problems("", parameters)]
        if not parameters:
            problems.append("a search space needs at least one parameter")
        if problems:
            raise SearchSpaceError(problems)
        self._tree = dict(parameters)
        self._rules: tuple[Rule, ...] = ()

    def require(self, reason: str, holds: Callable[[Config], bool]) -> "SearchSpace":
        """Rule out the configurations for which `holds` is false, and return this space.

        `reason` is shown to people and is part of the fingerprint.
        """
        self._rules += (Rule(reason, holds),)
        return self

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules added with `require`, in order."""
        return self._rules

    @property
    def tree(self) -> Mapping[str, Parameter]:
        """The parameters that every configuration has, by name; those of branches are in their choices."""
        return MappingProxyType(self._tree)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every parameter of every branch by its path, such as `architecture.mlp.width`."""
        return dict(parameter_tree.walk("", self._tree))

    @property
    def is_conditional(self) -> bool:
        """Whether some parameters exist only in some configurations."""
        return any(
            isinstance(each, Choice) and any((each.branches or {}).values()) for each in self.parameters.values()
        )

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def conditions(self) -> Mapping[str, Condition | None]:
        """The choice and its option that each parameter depends on, by path; None where it is always there."""
        return dict(parameter_tree.conditions("", None, self._tree))

    @property
    def count(self) -> float:
        """How many configurations there are, those that break a rule included; infinity where a number has no steps."""
        return parameter_tree.count(self._tree, lambda parameter: parameter.count)

    def grid_count(self, points: int) -> float:
        """Return how many configurations `grid` yields, those that break a rule included."""
        return parameter_tree.count(self._tree, lambda parameter: len(parameter.grid(points)))

    def every(self, most: int) -> tuple[Config, ...] | None:
        """Return every configuration that meets the rules; None where there are more than `most`, rules aside."""
        if self.count > most:
            return None
        return tuple(self.grid(max(int(parameter.count) for parameter in self.parameters.values())))

    @property
    def default(self) -> Config:
        """The configuration in which every parameter has its default: trial 0 of every study."""
        return self.build(lambda _, parameter: parameter.default)

    def build(self, choose: Choose) -> Config:
        """Return the configuration that `choose` makes, asking only for the parameters of chosen branches."""
        return Config(parameter_tree.build("", self._tree, choose))

    def has_values(self, config: Config, values: Mapping[str, Scalar]) -> bool:
        """Whether a configuration has these values, by path; one of a branch that it did not choose it has not."""
        own = self.flatten(config)
        return all(path in own and own[path] == value for path, value in values.items())

    def has(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration has the parameters of this space, and of each choice an option; numbers may be any.

        A study of Optuna's may have trials of other spaces.
        """
        try:
            values = self.flatten(config)
            return self.unflatten(values) == config and all(
                value in each.options
                for path, value in values.items()
                if isinstance(each := self.parameters[path], Choice)
            )
        except (KeyError, TypeError):
            return False

    def unflatten(self, values: Mapping[str, Scalar]) -> Config:
        """Return the configuration with these values by path: the inverse of `flatten`."""
        return self.build(lambda path, _: values[path])

    def at(self, quantiles: Mapping[str, float], held: Mapping[str, Scalar] = MappingProxyType({})) -> Config:
        """Return the configuration whose parameters lie at these quantiles (0 to 1) of their ranges, by path.

        Parameters in `held` have the values there.
        """
        return self.build(lambda path, each: held[path] if path in held else each.at(quantiles[path]))

    @property
    def has_priors(self) -> bool:
        """Whether it was said of any parameter which value is probably good."""
        return any(each.has_prior for each in self.parameters.values())

    def likely(self, draw: Random, held: Mapping[str, Scalar] = MappingProxyType({})) -> Config:
        """Return a configuration drawn near the priors, and anywhere where a parameter has none.

        Parameters in `held` have the values there.
        """
        return self.build(lambda path, each: held[path] if path in held else each.likely(draw.random()))

    def near(self, config: Config, held: Collection[str], draw: Random) -> Config:
        """Return a configuration near this one: real numbers, but those `held` by path, times 0.8 or 1.2.

        Whole numbers and choices stay: they are widths, depths and kinds of things, which a trained state depends on.
        The factors are those of Jaderberg et al. 2017, "Population Based Training of Neural Networks". Returns `config`
        itself where the rules leave nothing else.
        """
        values = self.flatten(config)
        for _ in range(_TRIES):
            moved = {path: self._moved(path, value, held, draw) for path, value in values.items()}
            candidate = self.unflatten(moved)
            if not self.broken_rules(candidate):
                return candidate
        return config

    def _moved(self, path: str, value: Scalar, held: Collection[str], draw: Random) -> Scalar:
        parameter = self.parameters[path]
        if path in held or not isinstance(parameter, Float) or not isinstance(value, float):
            return value
        return parameter.at(parameter.quantile(value * draw.choice(_FACTORS)))

    def flatten(self, config: Mapping[str, Any]) -> dict[str, Scalar]:
        """Return the values of `config` by the paths of their parameters."""
        return dict(parameter_tree.flatten("", self._tree, config))

    def broken_rules(self, config: Config) -> tuple[str, ...]:
        """Return the reasons of the rules that `config` breaks.

        Raises `SearchSpaceError` where a rule itself fails, with the rule's reason.
        """
        return tuple(rule.reason for rule in self._rules if not _holds(rule, config))

    def check_possible(self) -> None:
        """Raise `SearchSpaceError` where the rules leave nothing to search, or forbid the default configuration."""
        broken = self.broken_rules(self.default)
        if not broken:
            return
        if next(self.spread(_TRIES), None) is not None:
            raise SearchSpaceError(
                [f"the default configuration breaks the rule {reason!r}" for reason in broken],
                hint="trial 0 is always the default configuration: give parameters defaults that meet the rules",
            )
        raise SearchSpaceError(
            f"the space is impossible: none of {_TRIES} configurations meets the rules "
            + ", ".join(repr(rule.reason) for rule in self._rules)
        )

    def spread(self, count: int) -> Iterator[Config]:
        """Yield those of `count` configurations, spread evenly over the space, that meet the rules."""
        paths = list(self.parameters)
        for point in halton(len(self), count):
            config = self.at(dict(zip(paths, point, strict=True)))
            if not self.broken_rules(config):
                yield config

    def grid(self, points: int, held: Mapping[str, Scalar] = MappingProxyType({})) -> Iterator[Config]:
        """Yield every configuration on a grid of `points` values per range, all branches of every choice included.

        Of the parameters in `held` only the value there; nothing where that is not on the grid.
        """
        for values in parameter_tree.grid("", self._tree, points, held):
            config = Config(values)
            if not self.broken_rules(config):
                yield config

    def describe(self) -> dict[str, Any]:
        """Return the JSON form of the space: its parameters and the reasons of its rules."""
        return {
            "parameters": {name: parameter.describe() for name, parameter in self._tree.items()},
            "rules": [rule.reason for rule in self._rules],
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "SearchSpace":
        """Return the space that `describe` described; without its rules, whose code is not stored."""
        return SearchSpace(**{name: parameter_tree.parse(each) for name, each in description["parameters"].items()})

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that are equal for equal spaces."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:12]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __str__(self) -> str:
        rows = [*parameter_tree.rows("", self._tree)]
        name_width = max(len(name) for name, _, _ in rows)
        range_width = max(len(values) for _, values, _ in rows)
        lines = [f"{name:<{name_width}}  {values:<{range_width}}  {default}".rstrip() for name, values, default in rows]
        return "\n".join([*lines, *(f"rule: {rule.reason}" for rule in self._rules)])

    def __repr__(self) -> str:
        return f"SearchSpace({amount(len(self), 'parameter')}, {self.fingerprint})"


def _holds(rule: Rule, config: Config) -> bool:
    try:
        return bool(rule.holds(config))
    except Exception as error:
        raise SearchSpaceError(
            f"the rule {rule.reason!r} raised {type(error).__name__}: {error}",
            hint=getattr(rule.holds, "hint", _OF_FUNCTIONS),
        ) from error
