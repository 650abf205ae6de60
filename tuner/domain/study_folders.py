"""The folders that a study's trials write into."""

from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFolders:
    """Where a study's trials keep their states, what they print and their own files; none has to be there yet."""

    checkpoints: Path
    logs: Path
    trials: Path

    @staticmethod
    def within(folder: Path) -> "StudyFolders":
        """Return folders inside of `folder`, for trials of no stored study."""
        return StudyFolders(checkpoints=folder / "checkpoints", logs=folder / "logs", trials=folder / "trials")
