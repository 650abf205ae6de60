"""Deleting a study: the database first, in one transaction, then the files that nothing refers to any more.

A process that dies in between leaves files without a study, never a study without its weights. Folders are renamed
before they are deleted, so that what is left of one is in no new study's way; to delete the study once more deletes it.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tuner.domain.errors import ConfigurationError, StorageError, StudyNotFoundError
from tuner.domain.study import NAME_PATTERN
from tuner.domain.study_record import companion, folder_name
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.folder_owner import owner_of, place_of
from tuner.storage.folder_ownership import original_of, storage_name
from tuner.storage.location import Location, locate
from tuner.storage.store import Store
from tuner.storage.url_store import UrlStore
from tuner.system.files import is_folder

_ASIDE = ".deleted-"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What would be deleted with a study: its trials, None where only files are left of it, and its files.

    `sharers` are other databases whose files these may be, which then stay: one that this database is a copy of, and,
    of a study without an id, those in the same folder that have a study of the same name, or may have. What lies behind
    `links`, outside of the storage's folder, stays too.
    """

    study: str
    trials: int | None
    paths: tuple[Path, ...]
    files: int
    size: int
    sharers: tuple[Path, ...]
    links: tuple[Path, ...]
    urls: tuple[str, ...] = ()
    """Where its checkpoints are kept, beside the files."""


def belongings(store: Store, name: str) -> Belongings:
    """Return what would be deleted with study `name`.

    Raises `StudyNotFoundError` where nothing of it is left, and `StudyHeldError` where a process runs it.
    """
    is_stored = name in store.names
    found = tuple(dict.fromkeys(_paths(store, name)))
    links = tuple(dict.fromkeys(link for path in found if (link := _link_to(path)) is not None))
    paths = tuple(path for path in found if _link_to(path) is None)
    if not is_stored and not found:
        store.study(name)  # raises with the names of the studies that are stored
    if is_stored:
        store.refuse_held(name)
    sizes = [*_sizes(paths)]
    return Belongings(
        study=name,
        trials=len(store.read(name)[1]) if is_stored else None,
        paths=paths,
        files=len(sizes),
        size=sum(sizes),
        sharers=tuple(_sharers(store, name, paths)),
        links=links,
        urls=tuple(_urls(store, name)),
    )


def delete(store: Store, belonging: Belongings) -> None:
    """Delete a study and its files; a link among them is deleted, and what it leads to is not.

    Raises `StudyHeldError` where a process has begun to run it, and `StorageError` where files stay.
    """
    if belonging.trials is not None:
        with suppress(StudyNotFoundError):  # another process has deleted it meanwhile: the files are left
            store.delete(belonging.study)
    if belonging.sharers:
        return
    try:
        for url in belonging.urls:
            UrlStore(url).delete("")
        for path in [_set_aside(path) for path in belonging.paths]:
            _delete(path)
    except OSError as error:
        raise StorageError(
            f"the study is deleted, {error.filename or 'a file'} is not: {error.strerror or error}",
            hint=f"where that is mended, this deletes the rest: {store.location.command('delete', belonging.study)}",
        ) from error


def _paths(store: Store, name: str) -> Iterator[Path]:
    """Yield the files of a study, as far as they are there, and what is left of deleted ones of its name."""
    if not NAME_PATTERN.fullmatch(name) or ".." in name:
        return  # a name that was put into the database by hand must not lead elsewhere
    for part in (name, companion(name)):
        if part in store:
            study = store.study(part)
            yield from _paths_of(place_of(store.location, study), study.folder_name)
    for left in _left_behind(store, name):
        yield from _paths_of(store.location, left)


def _urls(store: Store, name: str) -> Iterator[str]:
    for part in (name, companion(name)):
        if part in store and (study := store.study(part)).checkpoints_url and study.id:
            yield f"{study.checkpoints_url}/{study.folder_name}"


def _paths_of(location: Location, folder_name: str) -> Iterator[Path]:
    spill = FallbackFile(location.folder, folder_name)
    folders = location.folders_of(folder_name)
    # The folder that says whose it is goes last: what a crash leaves can be found by it.
    events = location.event_files_of(folder_name)
    there = (events, spill.file, spill.late_file, folders.logs, folders.trials, folders.checkpoints)
    for path in there:
        if path.is_symlink() or path.exists():
            yield path
        aside = re.compile(rf"{re.escape(_ASIDE + folder_name)}-[0-9a-f]{{8}}")
        yield from (each for each in path.parent.glob(f"{_ASIDE}*") if aside.fullmatch(each.name))


def _left_behind(store: Store, name: str) -> Iterator[str]:
    """Yield what the files are called of studies of this name that the database does not have any more."""
    location, ids = store.location, store.ids
    parts = (name, companion(name))
    if name not in store and not any(_may_have(path, name) for path in location.neighbours):
        yield from parts  # of a study without an id
    set_aside = re.compile(rf"{re.escape(_ASIDE)}(.+-([0-9a-f]{{16}}))-[0-9a-f]{{8}}")
    for path in location.checkpoints.iterdir() if is_folder(location.checkpoints) else ():
        owner = owner_of(path)
        found = set_aside.fullmatch(path.name)
        if found and any(found[1] == folder_name(part, found[2]) for part in parts) and found[2] not in ids:
            yield found[1]
        elif owner and owner.study in parts and owner.storage == storage_name(location) and owner.id not in ids:
            yield folder_name(owner.study, owner.id)


def _sharers(store: Store, name: str, paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the other databases in the folder to which a study's files may belong."""
    if not paths or name not in store:
        return
    study, location = store.study(name), store.location
    if not study.id:
        yield from (path for path in location.neighbours if _may_have(path, name))
    elif original := original_of(place_of(location, study), study):
        yield location.folder / original


def _link_to(path: Path) -> Path | None:
    """Return the link by which a study's file or folder lies outside of the storage's folder; None where none is.

    The storage's folder has folders for each kind, which have the studies'.
    """
    return path.parent if path.parent.is_symlink() else None


def _sizes(paths: tuple[Path, ...]) -> Iterator[int]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from _sizes(tuple(path.iterdir()))
        else:
            with suppress(FileNotFoundError):
                yield path.lstat().st_size


def _may_have(file: Path, name: str) -> bool:
    store = Store(locate(str(file)))
    try:
        return name in store.names
    except (StorageError, ConfigurationError):
        return True  # for all we know
    finally:
        store.close()


def _set_aside(path: Path) -> Path:
    """Rename a folder, which is done at once while deleting it takes long; return where the thing now is."""
    if path.is_symlink() or not path.is_dir() or path.name.startswith(_ASIDE):
        return path
    return path.rename(path.with_name(f"{_ASIDE}{path.name}-{os.urandom(4).hex()}"))


def _delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)
