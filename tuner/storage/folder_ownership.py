"""Whose a study's folder of checkpoints is: it has a file in it that names the study and its database.

A study has the same id in every copy of its database. Where such a copy is run in the same place, the two would write
over each other's weights, so only the one named in the folder may, as long as it is there.
"""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from tuner.domain.errors import ConfigurationError, StorageError
from tuner.domain.study_record import StudyRecord, folder_name
from tuner.storage.folder_owner import MARKER, Owner, owner_of
from tuner.storage.location import Location, locate
from tuner.storage.store import Store
from tuner.system.files import first_link, private, whole_file


def claim(location: Location, name: str, identity: str) -> None:
    """Make the folder of checkpoints of the study with this name and id, and write down whose it is.

    Raises `StorageError` where it cannot be made, and where a link or a name would lead out of the storage's folder: a
    run writes and deletes what is in there.
    """
    _refuse_leading_out(location, folder_name(name, identity))
    folder = location.checkpoints_of(folder_name(name, identity))
    owner = Owner(study=name, id=identity, storage=storage_name(location))
    if not identity or owner_of(folder) == owner:
        return
    try:
        with whole_file(private(folder) / MARKER) as beside:
            beside.write_text(json.dumps({"study": owner.study, "id": owner.id, "storage": owner.storage}))
    except OSError as error:
        raise StorageError(f"the study's folder {folder} cannot be written: {error.strerror}") from error


def leads_out(location: Location, folder_name: str) -> Path | None:
    """Return the first part of a study's folders that leads out of the storage's folder; None where none does."""
    for folder in location.all_of(folder_name):
        try:
            if (link := first_link(location.folder, folder)) is not None:
                return link
        except ValueError:
            return folder
    return None


def _refuse_leading_out(location: Location, folder_name: str) -> None:
    folders = location.folders_of(folder_name)
    found = leads_out(location, folder_name)
    for folder in (folders.checkpoints, folders.trials) if found is None else ():
        inside = folder.iterdir() if folder.is_dir() else ()
        found = found or next((path for path in inside if path.is_symlink()), None)
    if found is not None:
        raise StorageError(
            f"{found} leads to {found.resolve()}: a run writes and deletes nothing outside of {location.folder}",
            hint="put the whole storage there instead: its database and the folders beside it, with --storage FILE",
        )


def release(location: Location, name: str, identity: str) -> None:
    """Remove the folder that `claim` made for a study that has kept no weights, and what its trials have written."""
    folders = location.folders_of(folder_name(name, identity))
    with suppress(OSError):
        (folders.checkpoints / MARKER).unlink()
        folders.checkpoints.rmdir()
    if not folders.checkpoints.exists():
        for folder in (folders.logs, folders.trials):
            shutil.rmtree(folder, ignore_errors=True)


def original_of(location: Location, study: StudyRecord) -> str | None:
    """Return the storage whose copy this one is, and to which the study's files belong; None where they are its own."""
    owner = owner_of(location.checkpoints_of(study.folder_name)) if study.id else None
    if owner is None or owner.id != study.id or owner.storage == storage_name(location):
        return None
    return owner.storage if location.file is None or _has(location.folder / owner.storage, study.id) else None


def copied(study: StudyRecord, original: str, location: Location) -> str:
    """Return what is wrong where `original` has the study as well, and what to do."""
    marker = location.checkpoints_of(study.folder_name) / MARKER
    if location.file is None:
        return f"where the study is no longer in {original}: rm {marker}"
    return f"move {location.file.name} into a folder of its own, with a copy of {location.checkpoints.name}/"


def storage_name(location: Location) -> str:
    """Return what distinguishes a database from others that keep their studies' files in the same folder.

    A server has many names, so its own is not looked at.
    """
    return location.file.name if location.file else f"{location.url.get_backend_name()}/{location.url.database}"


def _has(file: Path, identity: str) -> bool:
    """Whether the database in `file` has the study with this id, or may have."""
    if not file.is_file():
        return False
    store = Store(locate(str(file)), read_only=True)
    try:
        return identity in store.ids
    except (StorageError, ConfigurationError):
        return True  # for all we know
    finally:
        with suppress(StorageError):
            store.close()
