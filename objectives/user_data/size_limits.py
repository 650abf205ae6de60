"""Size limits of data files, compressed and unpacked: a small file can unpack to more than the memory."""

import gzip
import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO, final

from tuner.domain.errors import ConfigurationError
from tuner.system.untrusted_files import LARGEST, opened

RATIO = 100
UNSUSPECTED = 64 * 2**20
MOST_COLUMNS = 20_000
"""How many columns a table may have."""

LONGEST_LINE = 4 * 2**20
"""How many letters a line may have."""
"""What unpacks to more than `RATIO` times its size is refused, unless it is no more than this."""


_KNOWN = {b"\x1f\x8b": "a gzip file", b"PK\x03\x04": "a zip file, as .xlsx and .npz are", b"PAR1": "a Parquet file"}
"""How files begin that are no text."""


def check_unpacked(path: Path, packed: int, unpacked: int) -> None:
    """Raise `ConfigurationError` where data of so many bytes unpacks to too many."""
    if unpacked > LARGEST:
        raise ConfigurationError(
            f"{path}: holds more than {LARGEST // 2**30} GiB",
            hint="tune on a sample of its rows, or write an objective that streams it",
        )
    if unpacked > max(UNSUSPECTED, RATIO * packed):
        raise ConfigurationError(
            f"{path}: unpacks to more than {RATIO} times its size, as files made to fill a memory do",
            hint="if you trust it, unpack it yourself and give what comes out",
        )


def open_text(path: Path, encoding: str | None) -> io.TextIOWrapper:
    """Return a text file, unpacked where it is gzipped; UTF-8 or what its first bytes or `encoding` say it is."""
    if path.is_file() and (size := path.stat().st_size) > LARGEST:
        check_unpacked(path, size, size)
    buffered: Any = opened(path, LARGEST)
    if path.suffix.lower() == ".gz":
        size = path.stat().st_size
        buffered = io.BufferedReader(_Counted(path, buffered, size))
    try:
        first = buffered.peek(4)[:4]
    except ConfigurationError:
        buffered.close()
        raise
    for beginning, what in _KNOWN.items():
        if first.startswith(beginning):
            buffered.close()
            raise ConfigurationError(
                f"{path}: is {what}, whatever its name says", hint="rename it, or save it as what its name says"
            )
    guessed = "utf-16" if first[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return io.TextIOWrapper(buffered, encoding=encoding or guessed)


@final
class _Counted(io.RawIOBase):
    """Unpacked bytes, counted as they come."""

    def __init__(self, path: Path, file: BinaryIO, packed: int) -> None:
        self._path = path
        self._file = file
        self._stream = gzip.GzipFile(fileobj=file, mode="rb")
        self._packed = packed
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise ConfigurationError(f"{self._path}: is not a whole gzip file: {error}") from None
        self._unpacked += len(found)
        check_unpacked(self._path, self._packed, self._unpacked)
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()
