"""A tree of parameters: those of a branch lie below the choice that has it, with paths such as `optimizer.sgd.lr`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, final

from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.number import Float, Int
from tuner.domain.parameter import NotGiven, Parameter

Choose = Callable[[str, Parameter], Scalar]
"""Given a parameter's path and the parameter, answers with a value: what a sampler is to a space."""


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """A parameter exists where the choice at `path` has the option of this index."""

    path: str
    option: int


def _children(prefix: str, name: str, parameter: Parameter) -> Iterator[tuple[Scalar, str, Mapping[str, Parameter]]]:
    """Yield (branch, path of the branch, its parameters) for each branch of `parameter`."""
    if isinstance(parameter, Choice):
        for branch, tree in (parameter.branches or {}).items():
            yield branch, f"{prefix}{name}.{branch}.", tree


def walk(prefix: str, tree: Mapping[str, Parameter]) -> Iterator[tuple[str, Parameter]]:
    """Yield every parameter of the tree by its path, which begins with `prefix`."""
    for name, parameter in tree.items():
        yield f"{prefix}{name}", parameter
        for _, path, branch in _children(prefix, name, parameter):
            yield from walk(path, branch)


def conditions(
    prefix: str, condition: Condition | None, tree: Mapping[str, Parameter]
) -> Iterator[tuple[str, Condition | None]]:
    """Yield by path on which choice each parameter depends; those at the top depend on `condition`."""
    for name, parameter in tree.items():
        yield f"{prefix}{name}", condition
        for place, (_, path, branch) in enumerate(_children(prefix, name, parameter)):
            yield from conditions(path, Condition(path=f"{prefix}{name}", option=place), branch)


def build(prefix: str, tree: Mapping[str, Parameter], choose: Choose) -> dict[str, Any]:
    """Return a configuration of the tree, asking `choose` only for the parameters of chosen branches."""
    values: dict[str, Any] = {}
    for name, parameter in tree.items():
        value = choose(f"{prefix}{name}", parameter)
        values[name] = value
        for branch, path, parameters in _children(prefix, name, parameter):
            if branch == value:
                values[name] = {"name": branch, **build(path, parameters, choose)}
    return values


def flatten(prefix: str, tree: Mapping[str, Parameter], config: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """Yield the values of a configuration of the tree by the paths of their parameters."""
    for name, parameter in tree.items():
        value = config[name]
        if not isinstance(value, Mapping):
            yield f"{prefix}{name}", value
            continue
        yield f"{prefix}{name}", value["name"]
        for branch, path, parameters in _children(prefix, name, parameter):
            if branch == value["name"]:
                yield from flatten(path, parameters, value)


def grid(
    prefix: str, tree: Mapping[str, Parameter], points: int, held: Mapping[str, Scalar]
) -> Iterator[dict[str, Any]]:
    """Yield every configuration on a grid of `points` values per range; of those in `held` only the value there."""
    axes = [[*_axis(prefix, name, parameter, points, held)] for name, parameter in tree.items()]
    for values in product(*axes):
        yield dict(zip(tree, values, strict=True))


def _axis(prefix: str, name: str, parameter: Parameter, points: int, held: Mapping[str, Scalar]) -> Iterator[Any]:
    path = f"{prefix}{name}"
    if not isinstance(parameter, Choice) or parameter.branches is None:
        yield from (value for value in parameter.grid(points) if value == held.get(path, value))
        return
    for branch, inside, parameters in _children(prefix, name, parameter):
        if held.get(path, branch) == branch:
            for values in grid(inside, parameters, points, held):
                yield {"name": branch, **values}


def count(tree: Mapping[str, Parameter], values: Callable[[Parameter], float]) -> float:
    """Return how many configurations a tree has whose parameters have so many values each."""
    total = 1.0
    for parameter in tree.values():
        branches = parameter.branches if isinstance(parameter, Choice) else None
        total *= values(parameter) if branches is None else sum(count(branch, values) for branch in branches.values())
    return total


def rows(indent: str, tree: Mapping[str, Parameter]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, range and default of each parameter, for people; branches are indented below their choice."""
    for name, parameter in tree.items():
        default = parameter.default
        shown = f"{default:.4g}" if isinstance(default, float) else str(default)
        yield f"{indent}{name}", str(parameter), f"default {shown}"
        for branch, _, parameters in _children("", name, parameter):
            inside = [*rows(f"{indent}    ", parameters)]
            if inside:
                yield f"{indent}  {branch}:", "", ""
                yield from inside


def problems(prefix: str, tree: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the tree, each with its path."""
    for name, parameter in tree.items():
        path = f"{prefix}{name}"
        if not str(name).isidentifier() or (prefix and name == "name"):
            yield f"{path}: {name!r} cannot be a parameter's name"
        if not isinstance(parameter, Parameter):
            yield f"{path}: {parameter!r} is not a Float, Int or Choice; to fix a value write Choice({parameter!r})"
            continue
        yield from (f"{path}: {problem}" for problem in parameter.problems())
        for branch, branch_path, parameters in _children(prefix, name, parameter):
            if not isinstance(parameters, Mapping):
                yield f"{path}.{branch}: a branch is a dict of parameters, not {parameters!r}"
            else:
                yield from problems(branch_path, parameters)


def parse(description: Mapping[str, Any]) -> Parameter:
    """Return the parameter that `Parameter.describe` described, with its branches."""
    kinds = {"Float": Float, "Int": Int}
    if description["type"] in kinds:
        keywords: dict[str, Any] = {
            key: description.get(key) for key in ("low", "high", "log", "step", "default", "prior")
        }
        return kinds[description["type"]](**keywords)
    values = description.get("values", [])
    prior = description.get("prior", NotGiven.NOT_GIVEN)
    if "branches" not in description:
        return Choice(*values, default=description["default"], prior=prior)
    branches = {
        branch: {name: parse(each) for name, each in parameters.items()}
        for branch, parameters in description["branches"].items()
    }
    # Values come before branches, and what is no text is none.
    plain = values[: max((index for index, value in enumerate(values, 1) if not isinstance(value, str)), default=0)]
    named = {branch: parameters for branch, parameters in branches.items() if branch not in plain}
    # The keyword `prior` stands for a branch of that name, where there is one.
    return Choice(*plain, default=description["default"], **{"prior": prior, **named})
