"""The folders that a study's trials write into."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

_SHARED = "shared-"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFolders:
    """Where a study's trials keep their states, what they print and their own files; none has to be there yet.

    Where `store` is a URL, the states are kept there, and what lies in `checkpoints` is what is used of it here.
    """

    checkpoints: Path
    logs: Path
    trials: Path
    store: str = ""

    def log_of(self, number: int) -> Path:
        """Return the file for what trial `number` prints."""
        return self.logs / f"trial-{number:05d}.log"

    def place_of(self, number: int) -> Path:
        """Return the folder for the own files of trial `number`."""
        return self.trials / f"trial-{number:05d}"

    def shared_log_of(self, worker: int) -> Path:
        """Return the file for what trials print that share a process; `worker` is the process that started it."""
        return self.logs / f"{_SHARED}{worker}.log"

    def logs_with(self, number: int) -> tuple[Path, ...]:
        """Return the files that have what trial `number` printed: its own, else those of processes that were shared."""
        own = self.log_of(number)
        if own.is_file():
            return (own,)
        return tuple(sorted(self.logs.glob(f"{_SHARED}*.log"), key=lambda path: path.stat().st_mtime))

    @staticmethod
    def within(folder: Path) -> "StudyFolders":
        """Return folders inside of `folder`, for trials of no stored study."""
        return StudyFolders(checkpoints=folder / "checkpoints", logs=folder / "logs", trials=folder / "trials")
