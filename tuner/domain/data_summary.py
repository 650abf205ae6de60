"""The data a study is about, as it is told to people and kept with the study."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataColumn:
    """A column of a table: its name, what it was taken for, and what it has."""

    name: str
    type: str
    about: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """Where data lies, what tells it from other data, and what was understood of it.

    `fingerprint` depends on the contents alone, so that data may be moved; `size` is in bytes.
    """

    path: str
    fingerprint: str
    size: int
    summary: str
    columns: tuple[DataColumn, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return asdict(self)

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "DataRecord":
        """Return the record that `describe` described."""
        columns = tuple(DataColumn(**column) for column in description["columns"])
        return DataRecord(**{**description, "columns": columns})
