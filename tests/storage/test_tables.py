"""Making a database's tables."""

from collections.abc import Callable

import pytest
from servers import Server
from sqlalchemy import func, select

from tuner.domain.errors import StorageError
from tuner.storage.engine import connect
from tuner.storage.location import locate
from tuner.storage.tables import create_schema


def test_who_waits_too_long_for_another_to_make_tables_is_told(
    servers: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = servers("mariadb").database()
    monkeypatch.setattr("tuner.storage.tables._MAKING_SECONDS", 0)
    with connect(locate(storage)).connect() as holding:
        holding.execute(select(func.get_lock(func.concat("tuner:", func.sha1(func.database())), 0)))
        with pytest.raises(StorageError, match="another process has been making tables"):
            create_schema(locate(storage), connect(locate(storage)))
