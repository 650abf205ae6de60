"""Tables from files: CSV in its dialects, gzipped or not, and Parquet. Nothing is guessed about what cells mean."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from tuner.domain.errors import ConfigurationError
from tuner.objectives.user_data.number_formats import NOTATIONS, PLAIN
from tuner.objectives.user_data.regular_csv import read_regular
from tuner.objectives.user_data.size_limits import LONGEST_LINE, MOST_COLUMNS, check_unpacked, open_text
from tuner.system.untrusted_files import LARGEST, opened

SEPARATOR = "separator"
"""Under which name a DataFrame's `attrs` have the separator of its file."""

LINE = "line"
"""The name of the index of a DataFrame whose rows came from a text file: the number of each row's last line."""

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")

_SEPARATORS = ",;\t|"
_SAID = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
_SAMPLED_LINES = 50
_SAMPLED_LETTERS = 2**20
_CELLS_AT_ONCE = 1_000_000
_CELL_BYTES = 8


def read_table(path: Path, *, separator: str | None = None, encoding: str | None = None, fewest: int = 2) -> Any:
    """Return a file's rows as a DataFrame of `fewest` columns or more.

    What a CSV file has in its cells stays text, and its index is the lines of the file. Raises `ConfigurationError`
    with the file, and the line where there is one.
    """
    try:
        if path.name.lower().endswith(PARQUET_SUFFIXES):
            frame = _read_parquet(path)
        else:
            frame = _read_text(path, separator, encoding, fewest)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not len(frame):
        raise ConfigurationError(f"{path}: has no rows, only names of columns")
    return frame


def _read_text(path: Path, separator: str | None, encoding: str | None, fewest: int) -> Any:
    if encoding is not None:
        _check_encoding(encoding)
    try:
        frame = parsed(path, separator, encoding, fewest, is_regular=True)
        return parsed(path, separator, encoding, fewest, is_regular=False) if frame is None else frame
    except UnicodeError:
        raise ConfigurationError(
            f"{path}: is not {encoding or 'UTF-8'} text",
            hint='save it as UTF-8, or say what it is: encoding = "latin-1" in [settings]',
        ) from None


def parsed(path: Path, separator: str | None, encoding: str | None, fewest: int, *, is_regular: bool) -> Any:
    """Return the rows of a CSV file, parsed by pyarrow where it `is_regular`, which is None where it is not."""
    with open_text(path, encoding) as stream:
        lines = _lines(path, stream)
        sample = _sampled(lines)
        if sample and (said := _SAID.fullmatch(sample[0])):
            # Excel's own word for the separator; an empty line keeps the numbers of the others.
            separator, sample[0] = separator or said[1], "\n"
        delimiter = separator or _sniffed(path, sample)
        rows = _rows(path, csv.reader(_chained(sample, lines), delimiter=delimiter, strict=True))
        line, header = next(rows, (0, []))
        names = _names(path, header, fewest)
        if is_regular:
            is_sampled = line <= len(sample)
            table = read_regular(sample[line:], stream, names, delimiter) if is_sampled else None
            frame = None if table is None else _numbered(table.to_pandas(), line + 1)
        else:
            frame = _frame(path, rows, names)
    if frame is not None:
        frame.attrs[SEPARATOR] = delimiter
    return frame


def _numbered(frame: Any, first: int) -> Any:
    """Return a DataFrame whose index is lines, of which the rows are one each."""
    return frame.set_axis(pd.RangeIndex(first, first + len(frame), name=LINE))


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ConfigurationError(
            f"settings.encoding: unknown encoding {encoding!r}", hint="such as utf-8, latin-1, cp1252, utf-16"
        ) from None


def _lines(path: Path, stream: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise ConfigurationError(
                f"{path}, line {number}: has more than {LONGEST_LINE:,} letters", hint="is it a table of text at all?"
            )
        if "\0" in line:
            raise ConfigurationError(
                f"{path}, line {number}: has a NUL byte, so it is not text",
                hint="was it cut off, or is it another format under a wrong name?",
            )
        yield line


def _sampled(lines: Iterator[str]) -> list[str]:
    """Return the first lines, fewer where they are long."""
    sample: list[str] = []
    size = 0
    while len(sample) < _SAMPLED_LINES and size < _SAMPLED_LETTERS and (line := next(lines, None)) is not None:
        sample.append(line)
        size += len(line)
    return sample


def _chained(sample: Sequence[str], rest: Iterator[str]) -> Iterator[str]:
    yield from sample
    yield from rest


def _sniffed(path: Path, sample: Sequence[str]) -> str:
    """Return the separator that cuts the first lines into the most fields, as many in each."""
    if not any(line.strip() for line in sample):
        raise ConfigurationError(f"{path}: is empty")

    def fields(separator: str) -> tuple[float, int]:
        try:
            counts = Counter(len(row) for row in csv.reader(sample, delimiter=separator) if row)
        except csv.Error:
            return 0.0, 0
        (most_common, times), *_ = counts.most_common(1)
        return (times / counts.total(), most_common) if most_common > 1 else (0.0, 0)

    return max(_SEPARATORS, key=fields)


def _frame(path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str]) -> Any:
    parts = []
    while chunk := [*islice(rows, max(1, _CELLS_AT_ONCE // len(names)))]:
        for line, row in chunk:
            if len(row) != len(names):
                raise _ragged(path, line, len(row), len(names))
        cells = dict(zip(names, zip(*(row for _, row in chunk), strict=True), strict=True))
        index = pd.Index([line for line, _ in chunk], name=LINE)
        parts.append(pd.DataFrame({name: pd.Series(column, index, dtype="str") for name, column in cells.items()}))
    return pd.concat(parts) if parts else pd.DataFrame(columns=names)


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its last line."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConfigurationError(
                f"{path}, line {reader.line_num}: is not CSV: {error}",
                hint='a quote that is opened has to be closed, and one inside of quotes is written twice: ""',
            ) from None
        if row:
            yield reader.line_num, row


def _ragged(path: Path, line: int, found: int, expected: int) -> ConfigurationError:
    return ConfigurationError(
        f"{path}, line {line}: has {found} field{'s' if found > 1 else ''}, and the header has {expected}",
        hint="quote what contains the separator; every column needs a name; if the separator was guessed wrong, say "
        'what it is: separator = ";" in [settings]',
    )


def _names(path: Path, header: Sequence[str], fewest: int) -> list[str]:
    names = [name.strip() or f"column {position}" for position, name in enumerate(header, 1)]
    if len(names) > MOST_COLUMNS:
        _check_names(path, names)
    if len(names) < fewest:
        raise ConfigurationError(
            f"{path}: has one column only, {names[0][:40]!r}",
            hint='commas, semicolons, tabs and bars are tried as separators; another: separator = ":" in [settings]',
        )
    if all(pd.Series(names, dtype="str").str.fullmatch(rf"[+-]?{NOTATIONS[PLAIN][0]}")):
        raise ConfigurationError(
            f"{path}, line 1: has numbers where the names of the columns should be",
            hint="put a line with the columns' names before the first row",
        )
    _check_names(path, names)
    return names


def _check_names(path: Path, names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise ConfigurationError(
            f"{path}: has {len(names):,} columns, and no more than {MOST_COLUMNS:,} are read",
            hint="leave out those that say little, or write an objective that reads it",
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"{path}: has more than one column called {', '.join(map(repr, twice))}",
            hint="give every column a name of its own",
        )


def _read_parquet(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second that CSV files do not pay

    try:
        with opened(path, LARGEST) as stream:
            frame = _checked(path, stream)
    except (pa.ArrowException, ValueError) as error:
        raise ConfigurationError(
            f"{path}: is not a whole Parquet file: {str(error).splitlines()[0][:200]}", hint="write it again"
        ) from None
    durations = frame.select_dtypes("timedelta").columns
    return frame.assign(**{name: frame[name].dt.total_seconds() for name in durations})


def _checked(path: Path, stream: Any) -> Any:
    """Return a Parquet file as a DataFrame, once it was found to be bearable."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import parquet  # noqa: PLC0415 - as above

    file = parquet.ParquetFile(stream)
    metadata = file.metadata
    if metadata.num_columns > MOST_COLUMNS:
        _check_names(path, [""] * metadata.num_columns)
    # What the file says of its own size is no guard: the rows of repetitive columns weigh nothing in it.
    cells = metadata.num_rows * metadata.num_columns * _CELL_BYTES
    check_unpacked(path, path.stat().st_size, cells)
    names = [str(name) for name in file.schema_arrow.names]
    _check_names(path, names)
    nested = [field.name for field in file.schema_arrow if pa.types.is_nested(field.type)]
    if nested:
        raise ConfigurationError(
            f"{path}: column {nested[0]!r} holds lists or records", hint="write it without such columns"
        )
    frame = _decoded(path, stream, file.schema_arrow).to_pandas(ignore_metadata=True)
    return frame.assign(**dict(_texts(path, frame, file.schema_arrow)))


def _decoded(path: Path, stream: Any, schema: Any) -> Any:
    """Return a Parquet file as a table, with texts that were kept once for many rows counted before they are repeated.

    Raises `ConfigurationError` where a small file holds more of them than a machine can bear.
    """
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import compute, parquet  # noqa: PLC0415 - as above

    wide = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    texts = [field.name for field in schema if any(is_it(field.type) for is_it in wide)]
    stream.seek(0)
    file = parquet.ParquetFile(stream, read_dictionary=texts)
    size, parts = 0, []
    for batch in file.iter_batches(_ROWS_OF_PARQUET):
        size += batch.nbytes
        for column in batch.columns:  # writers may say themselves that a column has few values
            if pa.types.is_dictionary(column.type) and any(is_it(column.type.value_type) for is_it in wide):
                lengths = compute.binary_length(column.dictionary).cast(pa.int64())
                size += compute.sum(compute.take(lengths, column.indices)).as_py() or 0
        check_unpacked(path, path.stat().st_size, size)
        parts.append(batch)
    table = pa.Table.from_batches(parts, file.schema_arrow) if parts else file.schema_arrow.empty_table()
    return table.cast(schema)


_ROWS_OF_PARQUET = 65_536


def _texts(path: Path, frame: Any, schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns of bytes as text, which older writers keep so."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    for field in schema:
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            try:
                yield field.name, frame[field.name].map(bytes.decode, na_action="ignore")
            except UnicodeDecodeError:
                raise ConfigurationError(
                    f"{path}: column {field.name!r} holds bytes that are no text", hint="write it without such columns"
                ) from None
