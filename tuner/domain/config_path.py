"""Parameters by their paths in a configuration: `optimizer.lr`, whichever optimizer was chosen.

A storage path (`optimizer.adamw.lr`) names the branch; a configuration path does not, so one path may stand for the
parameters of several branches, and is missing from configurations whose branch has no such parameter.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.errors import nearest
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace

_NAME = "name"
"""The key under which a configuration has the chosen branch."""


def config_paths(space: SearchSpace) -> dict[str, bool]:
    """Return every path that a configuration of `space` can have, and whether all configurations have it."""
    return _paths("", space.tree)


def values_by_path(config: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the values of a configuration by path; of a choice of branches, the name of the chosen one.

    >>> values_by_path({"optimizer": {"name": "sgd", "lr": 0.1}})
    {'optimizer': 'sgd', 'optimizer.name': 'sgd', 'optimizer.lr': 0.1}
    """
    return dict(_values("", config))


def paths_of(name: str, paths: Collection[str]) -> list[str]:
    """Return the paths that `name` can stand for: the one that it is, or those of which it is the last part."""
    if name in paths:
        return [name]
    return [path for path in paths if path.endswith(f".{name}")] if name != _NAME else []


def full_path(name: str, paths: Collection[str]) -> str:
    """Return the path that `name` stands for.

    Raises `ValueError` with the rest of a sentence where there is none, or more than one.
    """
    meant = paths_of(name, paths)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ValueError(f"is ambiguous: {' or '.join(meant)}")
    raise ValueError(f"is not a parameter of the search space{nearest(name, paths)}")


def _paths(prefix: str, tree: Mapping[str, Parameter]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, parameter in tree.items():
        path = f"{prefix}{name}"
        found[path] = True
        if isinstance(parameter, Choice) and parameter.branches is not None:
            found[f"{path}.{_NAME}"] = True
            branches = [_paths(f"{path}.", branch) for branch in parameter.branches.values()]
            for inner in dict.fromkeys(each for branch in branches for each in branch):
                found[inner] = all(branch.get(inner, False) for branch in branches)
    return found


def _values(prefix: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield f"{prefix}{name}", value[_NAME]
            yield from _values(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value
