"""A study's checkpoints as its driver sees them, on this machine or at a URL."""

from contextlib import suppress
from pathlib import Path
from typing import final

from tuner.domain.checkpoint_store import CheckpointStore
from tuner.domain.study_folders import StudyFolders
from tuner.execution.checkpoints import (
    OWN,
    TAKEN_OVER,
    BestCheckpoint,
    epoch_of,
    state_names,
    trial_folder,
    trial_name,
    trial_number_of,
)
from tuner.storage.folder_store import FolderStore
from tuner.storage.url_store import UrlStore


def store_of(folders: StudyFolders) -> CheckpointStore:
    """Return what keeps the checkpoints of the study with these folders."""
    return UrlStore(folders.store) if folders.store else FolderStore(folders.checkpoints)


@final
class StudyCheckpoints:
    """Answers and does what concerns checkpoints of trials that are not being trained."""

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store
        self._to_discard: set[int] = set()

    def has_states(self, number: int, recorded: int) -> bool:
        """Whether a state is kept that a trial can continue from, whose last recorded epoch was `recorded`."""
        epochs = (epoch_of(name.rpartition("/")[2]) for name in self._store.list(trial_name(number)))
        return any(epoch is not None and epoch <= recorded for epoch in epochs)

    def discard(self, number: int) -> None:
        """Delete a trial's checkpoints; nothing happens where there are none.

        Where the store cannot be reached, they are deleted with those of the next trial.
        """
        self._to_discard.add(number)
        with suppress(OSError):
            for each in sorted(self._to_discard):
                self._store.delete(trial_name(each))
                self._to_discard.discard(each)

    def hand_over(self, source: int, number: int, epoch: int, *, source_epoch: int | None = None) -> bool:
        """Let trial `number` continue after `epoch` from the state of trial `source` after `source_epoch`.

        That is `epoch` by default. Returns False where there is no such state.
        """
        names = state_names(OWN, epoch if source_epoch is None else source_epoch)
        there = self._store.list(trial_name(source))
        found = False
        for name, target in zip(names, state_names(TAKEN_OVER, epoch), strict=True):
            if (kept := f"{trial_name(source)}/{name}") in there:
                self._store.copy(kept, f"{trial_name(number)}/{target}")
                found = True
        return found

    def discard_beyond(self, count: int) -> None:
        """Delete the checkpoints of trials that the study does not have, whose numbers are `count` and more."""
        trials = {name.partition("/")[0] for name in self._store.list()}
        for trial in trials:
            number = trial_number_of(trial)
            if number is not None and number >= count:
                self._store.delete(trial)


def best_checkpoint(folders: StudyFolders, number: int, epoch: int) -> BestCheckpoint:
    """Return the state of a trained trial's best epoch, which is fetched where it is kept elsewhere."""
    folder = trial_folder(folders.checkpoints, number)
    if folders.store:
        _fetch(UrlStore(folders.store), folder, state_names(OWN, epoch))
    return BestCheckpoint(folder, epoch)


def _fetch(store: UrlStore, folder: Path, names: tuple[str, ...]) -> None:
    there = store.list(folder.name)
    for name in names:
        if f"{folder.name}/{name}" in there and not (folder / name).exists():
            store.get(f"{folder.name}/{name}", folder / name)
