"""Permissions: which folders and files of a storage other users of this machine can read."""

import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import select

from tuner.doctor.database import chosen, reading_from
from tuner.doctor.findings import Finding, counted, note, ok, problem
from tuner.domain.errors import StorageError
from tuner.storage import schema
from tuner.storage.backup import FOLDER
from tuner.storage.location import DEFAULT, Location
from tuner.storage.reader import PREFIX
from tuner.storage.store import Store
from tuner.system.files import open_to_others

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def about_modes(store: Store) -> Iterator[Finding]:
    """Yield what other users of this machine can read of the files that only their owner should."""
    location = store.location
    if not location.folder.is_dir() or _is_optunas(store):
        return
    if (reason := open_to_others(location.folder)) is not None:
        yield problem(
            reason, location.folder, advice=f"chown and chmod 700 {location.folder}, or keep studies elsewhere"
        )
    exposed = list(_exposed(location))
    folders = [path for path in exposed if path.is_dir()]
    files = [path for path in exposed if not path.is_dir()]
    if location.folder in folders or files:
        what = f"others can read {' and '.join(_kinds(folders, files))}"
        yield problem(what, location.folder, fix="close to others", repair=partial(_close_to_others, exposed))
    elif folders:
        what = f"others can look into {counted(folders, 'folder')}, though at nothing that matters"
        yield note(what, folders[0], fix="close to others", repair=partial(_close_to_others, exposed))
    else:
        yield ok("only its owner can read it", location.folder)


def _kinds(folders: Sequence[Path], files: Sequence[Path]) -> Iterator[str]:
    if files:
        yield counted(files, "file")
    if folders:
        yield counted(folders, "folder")


def _is_optunas(store: Store) -> bool:
    """Whether another program made the database and chose its permissions: no study in it is ours."""
    try:
        if not chosen(store, None):
            return False
        key = schema.study_user_attributes.c.key
        with reading_from(store.location) as connection:
            return connection.execute(select(key).where(key == f"{PREFIX}space").limit(1)).scalar() is None
    except StorageError:
        return False


def _exposed(location: Location) -> Iterator[Path]:
    folder, file = location.folder, location.file
    if file is not None:
        yield from filter(_is_open, (file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm")))
    if folder.name == Path(DEFAULT).parent.name:  # ours; any other folder was chosen by a person
        if not _is_open(folder):
            return
        yield folder
    for kept in (location.checkpoints, *(folder / name for name in ("logs", "trials", "spilled", FOLDER))):
        yield from _open_below(kept)


def _open_below(path: Path) -> Iterator[Path]:
    """Yield what others can open, from `path` on: what lies in a closed folder is out of their reach."""
    if _is_open(path):
        yield path
        for inner in sorted(path.iterdir()) if path.is_dir() else ():
            yield from _open_below(inner)


def _is_open(path: Path) -> bool:
    # Links are neither followed nor changed: they lead to what is not ours.
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & _OTHERS)


def _close_to_others(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
