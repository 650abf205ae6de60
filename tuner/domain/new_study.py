"""A study as it is first stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

from tuner.domain.goal import Goal
from tuner.domain.search_space import SearchSpace


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NewStudy:
    """What is stored of a study before it has trials; `spec`, and `source` where that came from, are JSON."""

    name: str
    goal: Goal
    space: SearchSpace
    spec: Mapping[str, Any]
    source: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What it has from the beginning of what a writer may `annotate`."""
    identity: str = ""
    """Its id; "" gives it a new one."""
