"""Options for graphs from files: which columns say what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, final

from tuner.domain.errors import nearest
from tuner.objectives.user_data.columns import Number
from tuner.objectives.user_data.options import DataOptions

IGNORED = "ignore"
_KINDS = (Number.type, IGNORED)
_OF_TABLES = ("target", "task", "columns", "missing", "separator", "encoding", "decimal")
_OF_CELLS = ("missing", "separator", "encoding", "decimal")
_NAMES = ("id", "graph", "source", "destination", "weight")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOptions:
    """The columns by which nodes, graphs and edges are known, whether edges have a direction, and what tables need.

    Without a column of weights all edges weigh the same.
    """

    id: str = "id"
    graph: str = "graph"
    source: str = "source"
    destination: str = "destination"
    weight: str | None = None
    directed: bool = False
    table: DataOptions = field(default_factory=DataOptions)

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of all options, as settings have them."""
        return (*(each.name for each in fields(GraphOptions) if each.name != "table"), *_OF_TABLES)

    @staticmethod
    def of(values: Mapping[str, Any]) -> "GraphOptions":
        """Return the options among these values, in which `problems` found nothing."""
        table = DataOptions.of({key: value for key, value in values.items() if key in _OF_TABLES})
        own = {key: values[key] for key in GraphOptions.names() if key in values and key not in _OF_TABLES}
        return GraphOptions(**own, table=table)

    def describe(self) -> dict[str, Any]:
        """Return what reads further graphs alike, as JSON that `of` takes: all but the target and what is asked."""
        own = {name: getattr(self, name) for name in (*_NAMES, "directed")}
        table = {name: getattr(self.table, name) for name in _OF_CELLS}
        found = {name: value for name, value in {**own, **table}.items() if value is not None}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @staticmethod
    def problems(values: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the values, whatever the data has."""
        yield from (f"{key}: is not text" for key in _NAMES if not isinstance(values.get(key, ""), str))
        if not isinstance(values.get("directed", False), bool):
            yield f"directed: {values['directed']!r} is neither true nor false"
        yield from DataOptions.problems(values)
        columns = values.get("columns", {})
        for name, kind in columns.items() if isinstance(columns, Mapping) else ():
            if kind not in _KINDS:
                yield (
                    f"columns.{name}: {kind!r} is not a type of a node's feature{nearest(str(kind), _KINDS)} "
                    f"(types: {', '.join(_KINDS)})"
                )
