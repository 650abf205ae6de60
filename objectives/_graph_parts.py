"""What a configuration of the graph objective chooses, and checks of its search spaces."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.domain.search_space import SearchSpace
from tuner.objectives._components import SHORTHANDS, Part, part
from tuner.objectives._space_checks import component_problems
from tuner.objectives._tasks import Input, Task

_DEFAULTS: Mapping[str, str] = {"architecture": "gcn", "scaling": "minmax"}
"""Zeros stay zeros in the range from 0: most features of words or atoms are, and are multiplied without them."""

_ENCODING = "encoding"


def graph_part(config: Mapping[str, Any], kind: str, task: Task) -> Part:
    """Return what `config` chose for `kind`, or else what suits graphs."""
    keys = (kind, *(short for short, long in SHORTHANDS.items() if long == kind))
    if kind in _DEFAULTS and not any(key in config for key in keys):
        return Part(kind, _DEFAULTS[kind])
    return part(config, kind, task)


def graph_space_problems(space: SearchSpace, name: str, task: Task) -> Iterator[str]:
    """Yield what in `space` has no meaning for a graph of this name, each with its path."""
    yield from component_problems(space, name, task, Input.GRAPH)
    yield from (
        f"{path}: is for tables with categories, and features of nodes are numbers"
        for path in space.parameters
        if path.split(".")[0] == _ENCODING
    )
