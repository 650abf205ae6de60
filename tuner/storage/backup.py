"""Copies of an SQLite store, made while it is in use: whole and sound ones, the newest few.

They lie beside the database, `backups/studies-20260101T120000Z.db`: its file name and the time in UTC.
"""

import os
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import final

from tuner.domain.event import Event, EventKind, Listener
from tuner.storage.engine import reading_uri
from tuner.storage.lease import Clock, utc_now
from tuner.storage.location import Location
from tuner.system.files import whole_file

FOLDER = "backups"
EVERY = 500
"""Finished trials from one backup to the next."""
KEPT = 3

_STAMP = "%Y%m%dT%H%M%SZ"
_ABANDONED_SECONDS = 3600.0
"""The age from which an unfinished copy is abandoned."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A whole copy of a database, as it was at one moment."""

    file: Path
    made: datetime
    size: int


def backups_of(file: Path) -> tuple[Backup, ...]:
    """Return the backups of the database in `file`, the newest first."""
    return tuple(sorted(_found(file), key=lambda backup: backup.made, reverse=True))


def make_backup(file: Path, *, kept: int = KEPT, clock: Clock = utc_now) -> Backup:
    """Copy the database in `file` while others use it, and delete all but the `kept` newest copies.

    Raises `OSError` or `sqlite3.Error`, and leaves the backups as they were; a damaged database gets no backup, which
    would in time take the place of every sound one.
    """
    made = clock().replace(microsecond=0)
    folder = file.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    final_file = folder / f"{file.stem}-{made.strftime(_STAMP)}.db"
    with whole_file(final_file) as partial:
        _copy(file, partial)
        _flush(partial)
    _flush(folder)
    _delete_old(file, kept, made)
    return Backup(file=final_file, made=made, size=final_file.stat().st_size)


def restoring(file: Path, backup: Backup) -> str:
    """Return the shell command that goes back to `backup` and keeps, in a folder beside it, what was there.

    The write-ahead log, `-wal` and `-shm`, has to go as well: SQLite would apply it to the copy.
    """
    folder, name = shlex.quote(str(file.parent)), shlex.quote(file.name)
    copying = f"cp -p {shlex.quote(f'{FOLDER}/{backup.file.name}')} {name}"
    if not file.exists():
        return f"(cd {folder} && rm -f {name}-wal {name}-shm && {copying})"
    logs = f"mv {name}-wal {name}-shm damaged/ 2>/dev/null"
    return f"(cd {folder} && mkdir -p -m 700 damaged && mv {name} damaged/ && {{ {logs}; {copying}; }})"


@final
class Backups(Listener):
    """Makes a backup after every so many finished trials, of which `finished` were so before the run.

    Does nothing where the storage is not an SQLite file.
    """

    def __init__(self, location: Location, finished: int = 0, *, every: int = EVERY) -> None:
        self._file = location.file
        self._finished = finished
        self._every = every

    def notify(self, event: Event) -> None:
        if event.kind is not EventKind.FINISHED or self._file is None:
            return
        self._finished += 1
        if self._finished % self._every == 0:
            # A study is worth more than its backup: a full disk or a busy database ends neither, `tuner doctor` says
            # what is wrong with them, and the next backup may come through.
            with suppress(OSError, sqlite3.Error):
                make_backup(self._file)


def _found(file: Path) -> Iterator[Backup]:
    name = re.compile(rf"{re.escape(file.stem)}-(\d{{8}}T\d{{6}}Z)\.db")
    for path in _paths(file.parent / FOLDER):
        matched = name.fullmatch(path.name)
        # A name without a time is not a backup of ours; nor is one that another process has just deleted.
        with suppress(ValueError, FileNotFoundError):
            if matched:
                made = datetime.strptime(matched[1], _STAMP).replace(tzinfo=UTC)
                yield Backup(file=path, made=made, size=path.stat().st_size)


def _paths(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _copy(file: Path, to: Path) -> None:
    """Copy a database in one read transaction, which keeps no writer waiting, and check the copy."""
    with closing(sqlite3.connect(reading_uri(file), uri=True)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        # A copy is one file: without this, opening it makes a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"{file} is damaged: {found}")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _delete_old(file: Path, kept: int, now: datetime) -> None:
    for backup in backups_of(file)[kept:]:
        backup.file.unlink(missing_ok=True)
    for path in (file.parent / FOLDER).glob(f".{escape(file.stem)}-*.partial"):
        with suppress(FileNotFoundError):
            if now.timestamp() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
