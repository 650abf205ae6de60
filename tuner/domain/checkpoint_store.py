"""The port of what keeps a study's checkpoints where its trials and its driver find them."""

from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory


class DamagedCheckpointError(ValueError):
    """What is kept under a name is not what was put there."""


class CheckpointStore(ABC):
    """A study's checkpoints by name: `trial-00012/epoch-000003.safetensors` is a file, `.../epoch-000003` a folder.

    What is put under a name appears whole or not at all, in place of what was there. Every method raises `OSError`
    where the store cannot be reached.
    """

    @abstractmethod
    def put(self, name: str, source: Path) -> None:
        """Keep the file or folder `source` under `name`."""

    @abstractmethod
    def get(self, name: str, target: Path) -> None:
        """Make `target`, which is not there, what is kept under `name`.

        Raises `FileNotFoundError` where nothing is, and `DamagedCheckpointError`.
        """

    @abstractmethod
    def list(self, trial: str = "") -> tuple[str, ...]:
        """Return the names of what is kept of a trial, such as `trial-00012`, or of all trials."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete what is kept under `name`, or all that is kept of a trial; nothing happens where there is none."""

    def copy(self, name: str, target: str) -> None:
        """Keep under `target` what is kept under `name`, with the errors of `get`."""
        with TemporaryDirectory(prefix="tuner-") as folder:
            between = Path(folder) / "checkpoint"
            self.get(name, between)
            self.put(target, between)
