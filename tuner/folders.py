"""Folders that only their owner may enter, and such as appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def private(folder: Path) -> Path:
    """Make `folder` and those above it that are not there, each for their owner alone, and return it.

    `mkdir` gives its mode to the last one only.
    """
    if not folder.exists():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give an empty private folder to fill, which becomes `folder`, in place of what was there, if nothing is raised.

    Its files are their owner's alone. A process that is killed meanwhile leaves `folder` as it was, or, killed between
    two renames, what it was beside it as `.<name>.<pid>.before`.
    """
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    before = folder.with_name(f".{folder.name}.{os.getpid()}.before")
    private(folder.parent)
    shutil.rmtree(beside, ignore_errors=True)  # of a process that had our number
    beside.mkdir(mode=0o700)
    try:
        yield beside
        for file in beside.iterdir():
            file.chmod(0o600)
        _replace(folder, beside, before)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _replace(folder: Path, new: Path, before: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(before)
    try:
        new.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before)
