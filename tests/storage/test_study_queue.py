"""The queue of studies as it is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from fakes import MINIMIZED, described

from tuner import Float, SearchSpace
from tuner.domain.errors import StorageError
from tuner.domain.new_study import NewStudy
from tuner.domain.study_queue import QUEUE, QueuedStudy, QueueState
from tuner.storage.store import open_store
from tuner.storage.study_queue import submitted

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_submitted_studies_are_read_in_their_order_and_others_not_at_all(storage: str) -> None:
    store = open_store(storage)
    assert submitted(store) == ()
    queued = [
        QueuedStudy(name="second", submitted=NOON + timedelta(hours=1), submitter="me@here"),
        QueuedStudy(name="first", submitted=NOON),
        QueuedStudy(name="urgent", submitted=NOON + timedelta(hours=2), priority=1),
        QueuedStudy(name="over", submitted=NOON, priority=2, state=QueueState.FAILED, reason="it broke"),
    ]
    spec = described(MINIMIZED, 3)
    for each in queued:
        notes = {QUEUE: each.describe()}
        store.create(
            NewStudy(
                name=each.name, goal=MINIMIZED, space=SearchSpace(x=Float(0, 1)), spec=spec, source={}, notes=notes
            )
        )
    store.create(NewStudy(name="plain", goal=MINIMIZED, space=SearchSpace(x=Float(0, 1)), spec=spec, source={}))
    assert submitted(store) == (queued[3], queued[2], queued[1], queued[0])
    store.close()


def test_a_queue_that_cannot_be_read_says_so(storage: str) -> None:
    store = open_store(storage)
    notes = {QUEUE: {"submitted": "yesterday"}}
    store.create(
        NewStudy(
            name="strange",
            goal=MINIMIZED,
            space=SearchSpace(x=Float(0, 1)),
            spec=described(MINIMIZED, 3),
            source={},
            notes=notes,
        )
    )
    with pytest.raises(StorageError, match="the queue of studies"):
        submitted(store)
    store.close()
