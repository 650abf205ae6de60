"""Where the files of a study lie."""

from pathlib import Path

from tuner.domain.study_record import folder_name
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.store import Store


def checkpoints_in(folder: Path, study: str, kind: str = "checkpoints") -> Path:
    """Return the folder of a study's checkpoints, or of what else, in a storage's folder."""
    (found,) = (folder / kind).glob(folder_name(study, "?" * 16))
    return found


def checkpoints_of(store: Store, study: str) -> Path:
    return store.location.checkpoints_of(store.study(study).folder_name)


def spill_of(store: Store, study: str) -> FallbackFile:
    return FallbackFile(store.location.folder, store.study(study).folder_name)
