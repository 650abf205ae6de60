"""The state of a trial that was trained once more, on all rows, beside those of its search."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, final

from tuner.domain.checkpoint_store import DamagedCheckpointError
from tuner.domain.checkpoints import Checkpoints
from tuner.domain.study_folders import StudyFolders
from tuner.execution.checkpoints import CODEC, trial_folder
from tuner.storage.url_store import UrlStore
from tuner.system.files import private

ALL_ROWS = "all-rows"


@final
class AllRowsCheckpoint(Checkpoints):
    """One state of one trial, after as many epochs as its best one in the search was.

    It is the file `trial-00012/all-rows-000025.safetensors`, kept where the search's states are, and goes with them.
    """

    def __init__(self, folders: StudyFolders, number: int, epoch: int) -> None:
        self._store = UrlStore(folders.store) if folders.store else None
        folder = trial_folder(folders.checkpoints, number)
        self._file = folder / f"{ALL_ROWS}-{epoch:06d}.safetensors"
        self._name = f"{folder.name}/{self._file.name}"

    def save(self, state: Mapping[str, Any]) -> None:
        private(self._file.parent)
        import_module(CODEC).save(state, self._file)
        if self._store is not None:
            self._store.put(self._name, self._file)

    def load(self) -> Mapping[str, Any] | None:
        state = self._loaded()
        return self._loaded() if state is None and self._is_fetched() else state

    def _loaded(self) -> Mapping[str, Any] | None:
        try:
            state: Mapping[str, Any] = import_module(CODEC).load(self._file)
        except (OSError, ValueError):  # it is trained anew, as the study's last run trained it
            return None
        return state

    def _is_fetched(self) -> bool:
        """Fetch the state where it is kept elsewhere too, and return whether that is as it was put there."""
        if self._store is None or self._name not in self._store.list(self._file.parent.name):
            return False
        try:
            self._store.get(self._name, self._file)
        except DamagedCheckpointError:  # as above
            return False
        return True
