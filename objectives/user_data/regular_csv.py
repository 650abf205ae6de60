"""CSV whose rows are one line each, parsed by pyarrow: every cell stays the text that it is in the file.

pyarrow is lenient where the `csv` module of the standard library is strict (text after a closing quote, quotes that
are never closed), and it knows no line numbers. A file in which the two could differ is left to the strict parser.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from tuner.objectives.user_data.size_limits import LONGEST_LINE

_BLOCK = 2**20
"""How many characters are parsed at once, and the rest of the last line."""

_LARGEST_BLOCK = 2**30
"""How many bytes pyarrow is given at once: it counts them in 32 bits."""


def read_regular(first: Sequence[str], rest: io.TextIOBase, names: Sequence[str], separator: str) -> Any:
    """Return rows as a table of text, whose row `i` is line `i` of these lines; None where that cannot be granted.

    `first` are the lines that were read already, each with its end, and `rest` is where the others are.
    """
    if not separator.isascii():
        return None
    types = dict.fromkeys(names, pa.string())
    regular = _quoting(separator)
    parts: list[Any] = []
    has_ended = False
    for block in _blocks(first, rest):
        lines = block.rstrip("\n")
        if not lines:
            has_ended = True
            continue
        if has_ended or not _is_regular(block, regular, separator):
            return None
        part = _parsed(lines, types, separator)
        if part is None or part.num_rows != lines.count("\n") + 1:
            return None
        parts.append(part)
        has_ended = len(block) - len(lines) > 1
    table = pa.concat_tables(parts) if parts else None
    return table if table is not None and _has_short_cells(table) else None


def _blocks(first: Sequence[str], rest: io.TextIOBase) -> Iterator[str]:
    """Yield the text in pieces of whole rows: a piece ends with a line, and its quotes are even in number."""
    begun = "".join(first)
    while begun or (begun := rest.read(_BLOCK)):
        pieces = [begun] if begun.endswith("\n") else [begun, rest.readline(LONGEST_LINE)]
        quotes = sum(piece.count('"') for piece in pieces)
        while quotes % 2 and (line := rest.readline(LONGEST_LINE)):
            pieces.append(line)
            quotes += line.count('"')
        yield "".join(pieces)
        begun = ""


def _quoting(separator: str) -> re.Pattern[str]:
    """Return the pattern of a whole field in quotes, with those inside of it doubled."""
    end = re.escape(separator)
    return re.compile(rf'"(?<=[{end}\n]")(?:[^"]|"")*+"(?=[{end}\n]|\Z)')


def _is_regular(block: str, quoted: re.Pattern[str], separator: str) -> bool:
    """Whether both parsers see the same in a block: no NUL, no very long line, no field that its quotes don't end."""
    if "\0" in block or len(block) >= LONGEST_LINE:
        return False
    if '"' not in block:
        return True
    others = quoted.sub("", f"\n{block}")
    return f'{separator}"' not in others and '\n"' not in others


def _parsed(lines: str, types: dict[str, Any], separator: str) -> Any:
    data = lines.encode()
    if len(data) > _LARGEST_BLOCK:
        return None
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=list(types), block_size=len(data) + 1, use_threads=False),
            parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=types, check_utf8=False, null_values=[]),
        )
    except pa.ArrowException:
        return None


def _has_short_cells(table: Any) -> bool:
    """Whether the strict parser would take every cell for one."""
    longest = (pc.max(pc.binary_length(column)).as_py() or 0 for column in table.columns)
    return max(longest, default=0) <= csv.field_size_limit()
