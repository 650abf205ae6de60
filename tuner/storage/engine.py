"""Connections to the database, made safe for one writer and any number of readers."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from tuner.domain.errors import ConfigurationError, StorageError
from tuner.storage import schema
from tuner.storage.location import Location

Result = TypeVar("Result")

_BUSY_SECONDS = 60.0
_ANSWER_SECONDS = 10.0
"""How long a server may take to answer a new connection."""
_FROZEN_SECONDS = 120.0
"""After how long PostgreSQL ends a transaction in which nothing happens: its process was frozen."""

SERVERS = ("postgresql", "mysql", "mariadb")
"""The kinds of servers whose locks are known here."""

_DEADLOCKS = frozenset({1213, "40P01", "40001"})
"""The codes of MySQL and PostgreSQL for a transaction that was undone to let another one continue."""

_ATTEMPTS = 5

_LONGEST_VALUE = 64 * 2**20
"""How many bytes a value in an SQLite file may have."""

_STEPS = 200_000
"""Steps of SQLite's machine from one look at signals to the next: some milliseconds."""

_STATEMENTS_SECONDS = 20.0
"""How long it may take to find out what a file computes."""

_LISTED = 5

_IN_WAL = "tuner:wal"
"""What is kept with a connection that has put its file into WAL mode."""


def connect(location: Location, busy_seconds: float = _BUSY_SECONDS, *, read_only: bool = False) -> Engine:
    """Return an engine for `location`; nothing is opened or created yet.

    `busy_seconds` is how long a write waits for another process that writes into the same SQLite file. With `read_only`
    the database itself refuses every write.

    SQLite runs in WAL mode, so that readers never block the writer, and writes start with BEGIN IMMEDIATE, so that a
    transaction that has read is never refused its write. `synchronous=NORMAL` survives the death of any process; a
    power cut can take the last moments, which a resumed study trains again.

    A server locks row by row: `reading` is of one moment (REPEATABLE READ), `writing` sees what others have committed
    (READ COMMITTED) and what it relies on it locks. A process that was frozen in a transaction blocks others only for a
    limited time.
    """
    try:
        engine = create_engine(location.url, **engine_options(location, busy_seconds, read_only=read_only))
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"no driver is installed for {location.url.drivername!r} databases",
            hint="pip install 'tuner[postgres]' for postgresql+psycopg://..., 'tuner[mysql]' for mysql+pymysql://...",
        ) from error
    if location.file is not None:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name in SERVERS:
        event.listen(engine, "connect", partial(_prepare_server, engine.dialect.name, busy_seconds))
    return engine


def engine_options(
    location: Location, busy_seconds: float = _BUSY_SECONDS, *, read_only: bool = False
) -> dict[str, Any]:
    """Return what SQLAlchemy makes an engine with, beside the URL."""
    if location.file is not None:
        return {"creator": partial(_opened, location.file, busy_seconds, read_only=read_only)}
    reads = {"execution_options": {"postgresql_readonly": True}} if read_only else {}
    arguments = {key: value for key, value in _arguments(location).items() if key not in location.url.query}
    return {"pool_pre_ping": True, "pool_recycle": 300, "connect_args": arguments, **reads}


def _arguments(location: Location) -> dict[str, Any]:
    """Return what a driver is given so that a server that has gone is noticed within a minute."""
    if location.url.drivername == "postgresql+psycopg":
        alive = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
        return {"connect_timeout": int(_ANSWER_SECONDS), **alive}
    if location.url.get_driver_name() == "pymysql":
        return {"connect_timeout": int(_ANSWER_SECONDS), "read_timeout": 90, "write_timeout": 60}
    return {}


def _prepare_server(dialect: str, busy_seconds: float, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    milliseconds = int(busy_seconds * 1000)
    if dialect == "postgresql":
        settings = [
            f"SET lock_timeout = {milliseconds}",
            f"SET idle_in_transaction_session_timeout = {int(_FROZEN_SECONDS * 1000)}",
        ]
    else:
        settings = [f"SET SESSION innodb_lock_wait_timeout = {max(1, int(busy_seconds))}"]
    cursor = connection.cursor()
    for setting in settings:
        cursor.execute(setting)
    cursor.close()
    connection.commit()


def _opened(file: Path, busy_seconds: float, *, read_only: bool) -> sqlite3.Connection:
    is_there = os.path.lexists(file)
    if is_there and not file.is_file():  # looked at and not opened: closing it would give up SQLite's own locks
        raise OSError(errno.EINVAL, "it is not a regular file", str(file))
    if is_there and (read_only or not _may_be_written(file)):
        return sqlite3.connect(reading_uri(file), uri=True, timeout=busy_seconds, check_same_thread=False)
    return sqlite3.connect(file, timeout=busy_seconds, check_same_thread=False)


def reading_uri(file: Path) -> str:
    """Return the URI of a database file that is read and never written.

    SQLite makes files beside one in WAL mode even to read it. Where it can't, and there is no log with what is not in
    the file yet, it takes the file as it is.
    """
    log = file.with_name(f"{file.name}-wal")
    is_whole = not log.exists() or log.stat().st_size == 0
    return f"{file.as_uri()}?mode=ro{'&immutable=1' if is_whole and not _may_be_written(file) else ''}"


def _may_be_written(file: Path) -> bool:
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event says when transactions start, not the driver
    guard(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def guard(connection: Any) -> None:
    """Bound what a file's own SQL can ask for, and let a signal end what it asks for.

    A view, a trigger, or a column that is computed, is a program of the file's author. The handler is Python code
    that runs every few moments: signals are handled in it, and an exception of theirs ends the statement.
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    deadline = time.monotonic() + _STATEMENTS_SECONDS

    def is_over() -> bool:
        return time.monotonic() > deadline

    connection.set_progress_handler(is_over, _STEPS)
    cursor = connection.cursor()
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.execute("SELECT tbl_name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%'")
    made = [str(name) for (name,) in cursor.fetchmany(_LISTED)]
    cursor.execute(
        "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c "
        "WHERE m.type = 'table' AND c.hidden IN (2, 3)"
    )
    made += [str(name) for (name,) in cursor.fetchmany(_LISTED)]
    cursor.close()
    # A connection lives as long as a run: what it writes and reads takes as long as it takes.
    connection.set_progress_handler(lambda: False, _STEPS)
    if any(name.partition(".")[0] in schema.metadata.tables for name in made):
        raise OSError(errno.EINVAL, f"it computes what it is asked for ({', '.join(made)}), which no study's does")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    if writes and not connection.info.get(_IN_WAL):
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # the file stays in it: reading changes nothing
        connection.info[_IN_WAL] = True
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are committed together, or not at all; raises `StorageError`."""
    options = {"writes": True} if _is_file(engine) else {"isolation_level": "READ COMMITTED"}
    with translated(engine), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def committed(engine: Engine, act: Callable[[Connection], Result]) -> Result:
    """Return what `act` does in one transaction; it is done again where a server has undone it for another's sake."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with writing(engine) as connection:
                return act(connection)
        except StorageError as error:
            if not left or not _is_deadlock(error):
                raise
    raise AssertionError  # the last attempt returns or raises


def _is_deadlock(error: StorageError) -> bool:
    found = getattr(error.__cause__, "orig", None)
    codes = (getattr(found, "sqlstate", None), *getattr(found, "args", ())[:1])
    return any(isinstance(code, int | str) and code in _DEADLOCKS for code in codes)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees the database as it is now, all along; raises `StorageError`."""
    options = {} if _is_file(engine) else {"isolation_level": "REPEATABLE READ"}
    with (
        translated(engine),
        _readable(engine),
        engine.connect().execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _readable(engine: Engine) -> Iterator[None]:
    """Raise `StorageError` for values that no driver can read, such as a time that is none."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        raise StorageError(
            f"a row of the storage {_where(engine)} cannot be read: {error}",
            hint="another program has written it, or it is damaged; `tuner doctor` says what else is wrong",
        ) from error


def _where(engine: Engine) -> str:
    return str(engine.url.database) if _is_file(engine) else shown_address(engine)


def _is_file(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn a driver's errors into `StorageError`, in words and without secrets."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        where = _where(engine)
        reason = str(cause).strip().partition("\n")[0]
        is_closed = "readonly database" in reason
        hint = (
            "neither the file nor its folder may be read-only; what is in it can be looked at, with `tuner status`"
            if is_closed
            else "check that it exists, is reachable and may be written; what was recorded before is safe"
        )
        raise StorageError(
            f"the storage {where} cannot be used: {reason}",
            hint=hint,
            may_pass=isinstance(error, OperationalError | InterfaceError) and not is_closed,
        ) from error


def shown_address(engine: Engine) -> str:
    """Return where a database is, in words and without secrets."""
    return engine.url.set(query={}).render_as_string(hide_password=True)  # a password can be among the options too
