"""The queue of a stored study: a system attribute for each configuration, so that several processes can add."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, final

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.engine import Connection

from tuner.domain.config import Config
from tuner.domain.config_queue import ConfigQueue, QueuedConfig
from tuner.domain.errors import StorageError
from tuner.storage import schema
from tuner.storage.engine import reading
from tuner.storage.reader import PREFIX
from tuner.storage.validation import readable
from tuner.system.untrusted_files import json_of

_KEY = f"{PREFIX}queued:"
_READ_EVERY_SECONDS = 2.0
_TABLE = schema.study_system_attributes


@final
class StoredConfigQueue(ConfigQueue):
    """The queue of one study, read at most every two seconds: a run asks for it before each new trial."""

    def __init__(self, engine: Engine, study_id: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._study_id = study_id
        self._clock = clock
        self._read_at: float | None = None
        self._known: tuple[QueuedConfig, ...] = ()

    def waiting(self, *, now: bool = False) -> Sequence[QueuedConfig]:
        at = self._clock()
        if now or self._read_at is None or at - self._read_at >= _READ_EVERY_SECONDS:
            self._read_at = at
            # During an outage what was read before stands: storing the next trial waits for the storage, and says so.
            with suppress(StorageError), reading(self._engine) as connection:
                self._known = read_queue(connection, self._study_id)
        return self._known


def read_queue(connection: Connection, study_id: int) -> tuple[QueuedConfig, ...]:
    """Return what waits in a study's queue, the oldest first; raises `StorageError` where it cannot be read."""
    columns = _TABLE.c
    rows = connection.execute(
        select(columns.key, columns.value_json)
        .where(columns.study_id == study_id, columns.key.startswith(_KEY, autoescape=True))
        .order_by(columns.study_system_attribute_id)
    )
    with readable("the queue of a study"):
        return tuple(QueuedConfig(key=row.key, config=_config(row.value_json)) for row in rows)


def add_to_queue(connection: Connection, study_id: int, configs: Sequence[Config]) -> None:
    """Let configurations wait in a study's queue, after those that wait there."""
    for config in configs:
        row = {"study_id": study_id, "key": f"{_KEY}{uuid.uuid4().hex}", "value_json": json.dumps(config)}
        connection.execute(insert(_TABLE).values(row))


def remove_from_queue(connection: Connection, study_id: int, keys: Sequence[str]) -> None:
    """Take configurations out of a study's queue."""
    if keys:
        connection.execute(delete(_TABLE).where(_TABLE.c.study_id == study_id, _TABLE.c.key.in_(keys)))


def _config(stored: Any) -> Config:
    value = json_of(stored)
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.100} is no configuration")
    return Config(value)
