"""Connections to the database, made safe for one writer and any number of readers."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from tuner.domain.errors import ConfigurationError, StorageError
from tuner.folders import private
from tuner.storage import schema
from tuner.storage.location import Location

_BUSY_SECONDS = 60.0

_IN_WAL = "tuner:wal"
"""What is kept with a connection that has put its file into WAL mode."""


def connect(location: Location, busy_seconds: float = _BUSY_SECONDS, *, read_only: bool = False) -> Engine:
    """Return an engine for `location`; nothing is opened or created yet.

    `busy_seconds` is how long a write waits for another process that writes into the same SQLite file. With `read_only`
    the database itself refuses every write, whoever asks for it.

    SQLite runs in WAL mode, so that readers never block the writer, and writes start with BEGIN IMMEDIATE, so that a
    transaction that has read is never refused its write. `synchronous=NORMAL` survives the death of any process; a
    power cut can take the last moments, which a resumed study trains again.
    """
    try:
        engine = create_engine(location.url, **engine_options(location, busy_seconds, read_only=read_only))
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"no driver is installed for {location.url.drivername!r} databases",
            hint="for PostgreSQL: pip install 'psycopg[binary]' and write postgresql+psycopg://...",
        ) from error
    if location.file is not None:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def engine_options(
    location: Location, busy_seconds: float = _BUSY_SECONDS, *, read_only: bool = False
) -> dict[str, Any]:
    """Return what SQLAlchemy makes an engine with, beside the URL."""
    if location.file is not None:
        uri = f"{location.file.as_uri()}?mode=ro"
        reading = {"creator": lambda: sqlite3.connect(uri, uri=True, timeout=busy_seconds, check_same_thread=False)}
        return reading if read_only else {"connect_args": {"timeout": busy_seconds}}
    reads = {"execution_options": {"postgresql_readonly": True}} if read_only else {}
    return {"pool_pre_ping": True, "pool_recycle": 300, **reads}


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event says when transactions start, not the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    if writes and not connection.info.get(_IN_WAL):
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # the file stays in it: who only reads changes nothing
        connection.info[_IN_WAL] = True
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are committed together, or not at all; raises `StorageError`."""
    with translated(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees the database as it is now, all along; raises `StorageError`."""
    with translated(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn a driver's errors into `StorageError`, in words and without secrets."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        where = engine.url.database if engine.url.get_backend_name() == "sqlite" else _shown(engine)
        reason = str(cause).strip().partition("\n")[0]
        raise StorageError(
            f"the storage {where} cannot be used: {reason}",
            hint="check that it exists, is reachable and may be written; what was recorded before is safe",
            may_pass=isinstance(error, OperationalError | InterfaceError),
        ) from error


def _shown(engine: Engine) -> str:
    return engine.url.set(query={}).render_as_string(hide_password=True)  # a password can be among the options too


def create_schema(location: Location, engine: Engine) -> None:
    """Create Optuna's tables where there are none yet; Optuna does it, so its version stamps are right.

    Folders are made for their owner alone, and so is the database file.
    """
    with translated(engine), _one_at_a_time(location):
        if _revision(engine) is not None:
            return
        import optuna.storages  # noqa: PLC0415 - half a second that only the first study of a database pays

        made = optuna.storages.RDBStorage(
            location.url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}"),
            engine_kwargs=engine_options(location),
        )
        made.remove_session()
        made.engine.dispose()


def check_schema(engine: Engine) -> bool:
    """Return whether the database holds studies' tables; raise `StorageError` where they are of another revision."""
    found = _revision(engine)
    if found is None:
        return False
    if found != schema.VERSION:
        raise StorageError(
            f"the storage has Optuna's schema {found}, this version of tuner needs {schema.VERSION}",
            hint="back it up, then upgrade it with `optuna storage upgrade`, or install the tuner that made it",
        )
    return True


def _revision(engine: Engine) -> str | None:
    """Return the schema's revision; None where there are no tables, or whoever makes them is not done, or was killed.

    The revision is the last thing that Optuna writes.
    """
    with translated(engine):
        if not inspect(engine).has_table(schema.alembic_version.name):
            return None
    with reading(engine) as connection:
        found: str | None = connection.execute(select(schema.alembic_version.c.version_num)).scalar()
        return found


@contextmanager
def _one_at_a_time(location: Location) -> Iterator[None]:
    """Hold the folder of a database file, which is made where there is none: Optuna makes tables one by one."""
    if location.file is None:
        yield
        return
    folder = os.open(private(location.file.parent), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # Only a file that is not there is opened: closing one gives up all locks of this process on it, SQLite's too,
        # and a process that comes and goes would then take the log away from this one.
        with suppress(FileExistsError):
            os.close(os.open(location.file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield
    finally:
        os.close(folder)
