"""The database as a whole: whether it is there and sound, the way back where it is not, and the studies in it."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import Connection

from tuner.doctor.findings import SHOWN, Finding, note, ok, problem
from tuner.formatting.values import amount
from tuner.storage.backup import backups_of, restoring
from tuner.storage.engine import connect, reading, reading_uri
from tuner.storage.location import Location
from tuner.storage.store import Store


def about_database(location: Location) -> Iterator[Finding]:
    """Say whether the database is there and sound; of one that is on a server, nothing."""
    if location.file is None:
        return
    if _is_lost(location):
        yield problem("the database is gone, its backups are not", location, advice=_way_back(location.file))
        return
    if not _is_there(location):
        yield note(f"there is no database yet; begin with: {location.command('run', 'digits')}", location)
        return
    try:
        complaints = _complaints(location.file)
    except sqlite3.Error as error:
        # One that is locked or may not be opened is not damaged: a backup would not help.
        advice = "" if isinstance(error, sqlite3.OperationalError) else _way_back(location.file)
        yield problem(f"the database cannot be read: {error}", location, advice=advice)
        return
    for complaint in complaints:
        yield problem(f"the database is damaged: {complaint}", location, advice=_way_back(location.file))
    if not complaints:
        yield ok("the database is sound", location)


def chosen(store: Store, name: str | None) -> tuple[str, ...]:
    """Return the studies to look at, with their repetitions: the named one, or all; raises `StudyNotFoundError`."""
    if _is_lost(store.location) or (name is None and not _is_there(store.location)):
        return ()  # nor is anything opened, which would write into an empty file
    if name is None:
        return tuple(part for each in store.names for part in store.parts(each))
    if name not in store.names:
        store.read(name)  # raises with the names of the studies that are stored
    return store.parts(name)


@contextmanager
def reading_from(location: Location) -> Iterator[Connection]:
    """Yield a connection that reads the database, on its own."""
    engine = connect(location)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _is_there(location: Location) -> bool:
    """Whether there is a database; one without tables is what a crash left of its creation, or of the database."""
    file = location.file
    if file is None:
        return True
    if not file.exists() or file.stat().st_size == 0:
        return False
    try:
        with closing(_opened(file)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True  # in whatever state


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(reading_uri(file), uri=True)


def _is_lost(location: Location) -> bool:
    """Whether there was a database, of which backups are left."""
    return location.file is not None and not _is_there(location) and bool(backups_of(location.file))


def _complaints(file: Path) -> list[str]:
    """Return what SQLite finds wrong; raises `sqlite3.Error` where it cannot even look."""
    with closing(_opened(file)) as connection:
        found = [text for (text,) in connection.execute(f"PRAGMA integrity_check({SHOWN})")]
        orphans = Counter(table for table, *_ in connection.execute("PRAGMA foreign_key_check"))
    damage = [] if found == ["ok"] else [text.strip().replace("\n", " ") for text in found]
    return [
        *damage,
        *(f"{amount(count, 'row')} of {table} belong to nothing" for table, count in sorted(orphans.items())),
    ]


def _way_back(file: Path) -> str:
    newest = next(iter(backups_of(file)), None)
    if newest is None:
        return "there is no backup to go back to"
    return f"stop what uses it, then go back to the backup of {newest.made:%Y-%m-%d %H:%M:%S} UTC with:\n" + restoring(
        file, newest
    )
