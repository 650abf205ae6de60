"""Optuna's tables in the database: made once, by one process at a time, and checked for their revision."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, Text, inspect, select, text
from sqlalchemy.engine import Connection

from tuner.domain.errors import StorageError
from tuner.storage import schema
from tuner.storage.engine import SERVERS, engine_options, reading, shown_address, translated
from tuner.storage.location import Location
from tuner.system.files import private

_MAKING_TABLES = 7_088_121_011
"""The number of the PostgreSQL lock that is held while tables are made."""

_MAKING_SECONDS = 60
"""How long is waited for another process that makes the tables."""

_EXACT = frozenset({"study_name", "param_name", "key"})
"""Columns of names, which are others where capitals are."""


def create_schema(location: Location, engine: Engine) -> None:
    """Create Optuna's tables where there are none yet; Optuna does it, so its version stamps are right.

    Only their owner can open the folders and the database file that are made.
    """
    with translated(engine), _one_at_a_time(location, engine):
        if _revision(engine) is not None:
            return
        import optuna.storages  # noqa: PLC0415 - half a second that only the first study of a database pays

        made = optuna.storages.RDBStorage(
            location.url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}"),
            engine_kwargs=engine_options(location),
        )
        made.remove_session()
        made.engine.dispose()
        _widen(engine)


def _widen(engine: Engine) -> None:
    """Let texts be as on other databases: on MySQL, what Optuna declares as Text ends after 64 KiB, and "a" is "A"."""
    if engine.dialect.name not in {"mysql", "mariadb"}:
        return
    with engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Text):
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} MODIFY {column.name} MEDIUMTEXT")
                elif column.name in _EXACT:
                    words = f"VARCHAR({column.type.length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"  # type: ignore[attr-defined]
                    null = "NULL" if column.nullable else "NOT NULL"
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} MODIFY `{column.name}` {words} {null}")


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


def _lock(connection: Connection) -> None:
    """Lock the making of tables in the database until the connection is closed."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = {_MAKING_SECONDS * 1000}")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_MAKING_TABLES})")
    elif connection.dialect.name in SERVERS:
        locking = text(f"SELECT GET_LOCK(CONCAT('tuner:', SHA1(DATABASE())), {_MAKING_SECONDS})")
        if connection.execute(locking).scalar() != 1:
            raise StorageError(
                f"another process has been making tables in {shown_address(connection.engine)} for {_MAKING_SECONDS} s",
                hint="try again when it is done; what holds the lock is listed by SHOW PROCESSLIST",
                may_pass=True,
            )


def _revision(engine: Engine) -> str | None:
    """Return the schema's revision; None where there are no tables, or they are still being made, or are unfinished.

    The revision is the last thing that Optuna writes.
    """
    with translated(engine):
        if not inspect(engine).has_table(schema.alembic_version.name):
            return None
    with reading(engine) as connection:
        found: str | None = connection.execute(select(schema.alembic_version.c.version_num)).scalar()
        return found


@contextmanager
def _one_at_a_time(location: Location, engine: Engine) -> Iterator[None]:
    """Hold the database of a server, or the folder of a file, which is made: Optuna makes tables one by one."""
    if location.file is None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _lock(connection)  # until it is closed
            try:
                yield
            finally:
                connection.invalidate()
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
