"""Opens files that other people may have made: regular files only, and no larger than they may be.

A FIFO, a device or a folder in the place of a file is refused before anything waits for it, and JSON that is nested
more deeply than anything that tuner writes.
"""

import errno
import json
import os
import re
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

LARGEST = 4 * 2**30
"""How many bytes a data file, or a model's weights, may have."""

LARGEST_TEXT = 16 * 2**20
"""How many bytes a manifest, a study file or another description may have: in memory they take twenty times as many."""

DEEPEST = 60
"""How deep JSON may be nested."""


def opened(path: Path, most: int = LARGEST) -> BufferedReader:
    """Return a regular file, opened for reading; raises `OSError` for anything else and for more than `most` bytes."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    facts = os.fstat(handle)
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= most:
        return os.fdopen(handle, "rb")
    os.close(handle)
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    raise OSError(errno.EFBIG, f"it has {facts.st_size:,} bytes, and no more than {most:,} are read", str(path))


def check(path: Path, most: int = LARGEST) -> int:
    """Return the size of a regular file; raises `OSError` as `opened` does."""
    with opened(path, most) as file:
        return os.fstat(file.fileno()).st_size


def text_of(path: Path, most: int = LARGEST_TEXT) -> str:
    """Return a file's text in UTF-8; raises `OSError` as `opened` does, and `ValueError` where it is none."""
    with opened(path, most) as file:
        return file.read(most + 1).decode("utf-8")


def json_of(text: str) -> Any:
    """Return what JSON says; raises `ValueError` for what is none, or nested too deep."""
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return json.loads(text)


def _depth(text: str) -> int:
    """Return how deep brackets are nested in a text at most, those inside of strings left out."""
    depth = deepest = 0
    for bracket in _OUTSIDE.findall(text):
        depth += 1 if bracket in "[{" else -1 if bracket in "]}" else 0
        deepest = max(deepest, depth)
    return deepest


_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
"""Strings, and the brackets between them."""
