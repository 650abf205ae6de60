"""Folders that only their owner may enter."""

from pathlib import Path


def private(folder: Path) -> Path:
    """Make `folder` and those above it that are not there, each for their owner alone, and return it.

    `mkdir` gives its mode to the last one only.
    """
    if not folder.exists():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
