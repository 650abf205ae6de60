"""The port of what keeps a trial's states."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any


class Checkpoints(ABC):
    """Where one trial's states are kept: what was saved for a step is what the trial continues from after it."""

    @abstractmethod
    def save(self, state: Mapping[str, Any]) -> None:
        """Keep `state` as the state after the epoch that is being trained."""

    @abstractmethod
    def load(self) -> Mapping[str, Any] | None:
        """Return the state to continue from, or None where the trial starts at the beginning."""

    def save_by(self, write: Callable[[Path], None]) -> None:
        """Let `write` write the state after the epoch that is being trained into the file it is given, as `save` does.

        It is not called where no state is kept any more.
        """
        raise NotImplementedError

    def load_file(self) -> Path | None:
        """Return the file of the state that `load` gives, or None where there is none."""
        return None

    def folder(self, step: int | None, *, rng: bool) -> AbstractContextManager[Path]:
        """Give an empty folder, which becomes the checkpoint of `step` (None: the next one) if nothing is raised."""
        raise NotImplementedError

    def load_folder(self) -> Path | None:
        """Return the folder to continue from, or None where there is none."""
        return None

    def reach(self, step: int | None) -> None:
        """Set the `step` at which the epoch being trained ends (None: the next one); what was saved is of it.

        Raises `ConfigurationError` where the trial was there before.
        """
        raise NotImplementedError
