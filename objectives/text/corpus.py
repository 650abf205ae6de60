"""Corpus: the files of a data set of text, and the documents in them, one at a time."""

import glob
import hashlib
import io
import json
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError
from tuner.system.untrusted_files import json_of, opened

STDLIB = "stdlib"
"""The text that ships: the sources of Python's own standard library."""

FILE, PARAGRAPH = "file", "paragraph"
DOCUMENTS = ("auto", FILE, PARAGRAPH)

_LINES = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")
_NAME_IT = "name the column with the text: settings.column"
_LARGEST = 2**50
_PIECE = 1 << 20
"""How many letters a document has at most where a file is cut at blank lines."""
_ROWS = 1024


@final
@dataclass(frozen=True, slots=True)
class Corpus:
    """Files in order; each is a document, or is cut at blank lines, or has a document in each row's `column`."""

    files: tuple[Path, ...]
    column: str = "text"
    documents: str = "auto"

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(file.stat().st_size for file in self.files)

    def identity(self) -> str:
        """Return what changes when a file is changed, without reading any."""
        facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in self.files]
        return json.dumps([facts, self.column, self.documents])

    def texts(self) -> Iterator[str]:
        """Yield the documents; of each file no more than one is in memory. Raises `ConfigurationError`."""
        for file in self.files:
            try:
                yield from self._of_file(file)
            except OSError as error:
                raise ConfigurationError(f"{file}: cannot be read: {error.strerror or error}") from None

    def _of_file(self, file: Path) -> Iterator[str]:
        suffix = file.suffix.lower()
        if suffix in (*_LINES, *_PARQUET):
            for where, (text,) in rows_of(file, (self.column,)):
                if text is not None and not isinstance(text, str):
                    kind = f"values of type {type(text).__name__}"
                    raise ConfigurationError(f"{where}: {self.column!r} holds {kind}, not text", hint=_NAME_IT)
                if text is not None:
                    yield text
        elif self.documents == FILE or (self.documents == "auto" and len(self.files) > 1):
            with opened(file, _LARGEST) as stream:
                yield stream.read().decode("utf-8", errors="replace")
        else:
            yield from _paragraphs(file)


def corpus_of(dataset: str, column: str, documents: str) -> Corpus:
    """Return the corpus at a path, of a folder, or of all files that a pattern matches.

    Raises `ConfigurationError` where there is none.
    """
    if dataset == STDLIB:
        folder = Path(sysconfig.get_path("stdlib"))
        return Corpus(tuple(sorted(folder.glob("*.py"))), column, documents)
    path = Path(dataset).expanduser()
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file() and not _is_hidden(each, path))
    elif path.is_file():
        found = [path]
    else:
        found = sorted(Path(each) for each in glob.glob(str(path), recursive=True) if Path(each).is_file())  # noqa: PTH207 - the pattern may be absolute
    if not found:
        raise ConfigurationError(f"settings.dataset: there is no text at {dataset}: give a file, a folder or a pattern")
    return Corpus(tuple(found), column, documents)


def contents_hash(corpus: Corpus) -> str:
    """Return a hash of the files' contents, whatever they are called."""
    whole = hashlib.sha256()
    for file in corpus.files:
        whole.update(f"{file.stat().st_size}\0".encode())
        with opened(file, _LARGEST) as stream:
            while chunk := stream.read(_PIECE):
                whole.update(chunk)
    return f"sha256:{whole.hexdigest()}"


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def rows_of(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the values of these columns of each row of JSONL or Parquet, and where it is; a gap is None.

    Of the file no more than some rows are in memory. Raises `ConfigurationError` where a column is missing.
    """
    is_parquet = file.suffix.lower() in _PARQUET
    yield from _parquet_rows(file, columns) if is_parquet else _json_rows(file, columns)


def _json_rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    with opened(file, _LARGEST) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                where = f"{file}, line {number}"
                try:
                    row = json_of(line.decode())
                except ValueError as error:
                    raise ConfigurationError(f"{where}: is not JSON: {error}") from None
                yield where, tuple(_value(row, column, where) for column in columns)


def _value(row: Any, column: str, where: str) -> Any:
    if not isinstance(row, dict):
        raise ConfigurationError(f"{where}: is a {type(row).__name__}, not an object with a text under {column!r}")
    if column not in row:
        raise ConfigurationError(f"{where}: has no {column!r} (it has: {', '.join(map(str, row))})", hint=_NAME_IT)
    found = row[column]
    # JSON can name halves of a letter, which no encoding of text has.
    return found.encode("utf-8", errors="replace").decode() if isinstance(found, str) else found


def _parquet_rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415

    number = 0
    try:
        table = pq.ParquetFile(file)
        for column in columns:
            if column not in table.schema_arrow.names:
                names = ", ".join(table.schema_arrow.names)
                raise ConfigurationError(f"{file}: has no column {column!r} (it has: {names})", hint=_NAME_IT)
        for batch in table.iter_batches(_ROWS, columns=[*dict.fromkeys(columns)]):
            values = [batch.column(column).to_pylist() for column in columns]
            for row in zip(*values, strict=True):
                number += 1
                yield f"{file}, row {number}", row
    except pa.ArrowInvalid as error:
        raise ConfigurationError(f"{file}: is not a Parquet file: {error}") from None


def _paragraphs(file: Path) -> Iterator[str]:
    """Yield what lies between blank lines, of long ones a piece at a time."""
    lines: list[str] = []
    length = 0
    stream = opened(file, _LARGEST)
    with io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="") as text:
        for line in text:
            if (not line.strip() and lines) or length > _PIECE:
                yield "".join(lines)
                lines, length = [], 0
            if line.strip():
                lines.append(line)
                length += len(line)
    if lines:
        yield "".join(lines)
