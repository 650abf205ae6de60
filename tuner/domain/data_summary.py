"""Summary of the data of a study, as it is shown and stored with the study."""

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
    """Where data lies, its fingerprint, and how its columns were read.

    `fingerprint` depends only on the contents, so that data may be moved; `size` is in bytes.
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
