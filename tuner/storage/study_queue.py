"""Reads the queue of studies: the notes of those that were submitted."""

from sqlalchemy import select

from tuner.domain.study_queue import QUEUE, QueuedStudy
from tuner.storage import schema
from tuner.storage.engine import reading
from tuner.storage.reader import PREFIX
from tuner.storage.store import Store
from tuner.storage.validation import readable
from tuner.system.untrusted_files import json_of


def submitted(store: Store) -> tuple[QueuedStudy, ...]:
    """Return every study of a storage that was submitted, whatever became of it, the next one to run first."""
    if not store.names:
        return ()
    studies, notes = schema.studies, schema.study_user_attributes
    query = (
        select(studies.c.study_name, notes.c.value_json)
        .join(notes, notes.c.study_id == studies.c.study_id)
        .where(notes.c.key == f"{PREFIX}{QUEUE}")
    )
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
    with readable("the queue of studies"):
        found = [QueuedStudy.parsed(row.study_name, json_of(row.value_json)) for row in rows]
        return tuple(sorted(found, key=lambda study: study.place))
