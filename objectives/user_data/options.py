"""Options for data from files; what the settings leave out is inferred from the data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.errors import nearest
from tuner.objectives._tasks import Task

_TASKS = (Task.CLASSIFICATION.value, Task.REGRESSION.value)
_LARGEST_SIDE = 1024
_DECIMALS = (".", ",")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """The target of a table and what is asked, the types of columns and the words for a gap, the dialect of a CSV file.

    `decimal` is the decimal mark, and `day_first` how dates such as 03/04/2024 are read, where a column does not show
    it. Rows with one value of the column `group` are never in two splits, and with `time` none is in an earlier split
    than one before it.

    Images are brought to `size`, height and width.
    """

    target: str | None = None
    group: str | None = None
    time: str | None = None
    task: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] | None = None
    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    size: tuple[int, int] | None = None

    @staticmethod
    def of(values: Mapping[str, Any]) -> "DataOptions":
        """Return the options with these values, in which `problems` found nothing."""
        found = dict(values)
        found["columns"] = tuple(found.get("columns", {}).items())
        if "missing" in found:
            found["missing"] = tuple(found["missing"])
        if "size" in found:
            size = found["size"]
            found["size"] = (size, size) if isinstance(size, int) else tuple(size)
        return DataOptions(**found)

    @staticmethod
    def problems(values: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the values, whatever the data has."""
        texts = ("target", "group", "time", "encoding")
        yield from (f"{key}: is not text" for key in texts if not _is_text(values.get(key, "")))
        if "group" in values and "time" in values:
            yield "group: is there beside time, and rows are split by one of them; leave one out"
        task = values.get("task", _TASKS[0])
        if task not in _TASKS:
            yield f"task: {task!r} is neither {' nor '.join(_TASKS)}{nearest(str(task), _TASKS)}"
        separator = values.get("separator", ",")
        if not _is_text(separator) or len(separator) != 1 or separator in '"\r\n':
            yield f"separator: {separator!r} is not one character that can stand between fields"
        if (decimal := values.get("decimal", ".")) not in _DECIMALS:
            yield f"decimal: {decimal!r} is neither {' nor '.join(map(repr, _DECIMALS))}"
        if not isinstance(values.get("day_first", False), bool):
            yield f"day_first: {values['day_first']!r} is neither true nor false"
        missing = values.get("missing", [])
        if not isinstance(missing, list | tuple) or not all(map(_is_text, missing)):
            yield 'missing: is not a list of words such as ["NA", "?"]'
        columns = values.get("columns", {})
        if not isinstance(columns, Mapping) or not all(map(_is_text, columns.values())):
            yield 'columns: is not a section of lines such as zip = "category"'
        if not _is_size(values.get("size", 1)):
            yield f"size: is neither a number of pixels from 1 to {_LARGEST_SIDE} nor a list of two, height and width"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_size(size: object) -> bool:
    sides = size if isinstance(size, list | tuple) else (size, size)
    return len(sides) == 2 and all(type(side) is int and 1 <= side <= _LARGEST_SIDE for side in sides)  # noqa: PLR2004
