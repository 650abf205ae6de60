"""What people ask of a running study, kept in its storage, from which the run reads it.

It is asked of one run, by the number of its lease: what was asked of a run that has ended concerns no later one.
"""

import json
from collections.abc import Callable
from typing import Any, final

from sqlalchemy import Engine, Select, insert, select, update
from sqlalchemy.engine import Connection

from tuner.domain.errors import ConfigurationError
from tuner.domain.live_control import NOTHING_ASKED, LiveControl
from tuner.storage import schema
from tuner.storage.engine import committed, reading
from tuner.storage.lease import claim_on, lock_study, utc_now
from tuner.storage.reader import PREFIX
from tuner.storage.validation import readable
from tuner.system.untrusted_files import json_of

_KEY = f"{PREFIX}control"
_TABLE = schema.study_system_attributes


@final
class StoredControl:
    """What is asked of the run of one study."""

    def __init__(self, engine: Engine, study_id: int) -> None:
        self._engine = engine
        self._study_id = study_id

    def asked(self, token: int) -> LiveControl:
        """Return what is asked of the run whose lease has this number; raises `StorageError`."""
        with reading(self._engine) as connection:
            return _asked(connection.execute(self._row()).scalar(), token)

    def ask(self, change: Callable[[LiveControl], LiveControl]) -> LiveControl:
        """Change what is asked of the present run, and return it; raises `ConfigurationError` where there is none."""
        found: list[LiveControl] = []

        def change_it(connection: Connection) -> None:
            lock_study(connection, self._study_id)  # two that ask at once would both insert the row, and miss the other
            claim = claim_on(connection, self._study_id)
            if claim is None or not claim.is_valid(utc_now()):
                raise ConfigurationError("no process runs the study now")
            stored = connection.execute(self._row()).scalar()
            asked = change(_asked(stored, claim.token))
            written = json.dumps({"token": claim.token, **asked.describe()})
            row = {"study_id": self._study_id, "key": _KEY, "value_json": written}
            connection.execute(
                insert(_TABLE).values(row) if stored is None else update(_TABLE).where(self._is_it()).values(row)
            )
            found[:] = [asked]

        committed(self._engine, change_it)
        return found[0]

    def _row(self) -> Select[Any]:
        return select(_TABLE.c.value_json).where(self._is_it())

    def _is_it(self) -> Any:
        return (_TABLE.c.study_id == self._study_id) & (_TABLE.c.key == _KEY)


def _asked(stored: str | None, token: int) -> LiveControl:
    if stored is None:
        return NOTHING_ASKED
    with readable("what is asked of a run"):
        content = json_of(stored)
        return LiveControl.parsed(content) if int(content["token"]) == token else NOTHING_ASKED
