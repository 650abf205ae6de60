"""Fingerprint of data: a hash of its contents, independent of its path."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tuner.system.untrusted_files import opened

_CHUNK = 1 << 20


def fingerprint(path: Path, files: Iterable[Path] | None = None) -> tuple[str, int]:
    """Return a hash of a file's contents, or of a folder's files with their names, and the size in bytes.

    Of a folder these `files` count; left out, all that lie in its folders.
    """
    whole, size = hashlib.sha256(), 0
    for file in _files(path) if files is None else files:
        if file != path:
            whole.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with opened(file) as stream:
            while chunk := stream.read(_CHUNK):
                whole.update(chunk)
                size += len(chunk)
    return f"sha256:{whole.hexdigest()}", size


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return (path,)
    return sorted(file for file in path.glob("*/*") if file.is_file() and not file.name.startswith("."))
