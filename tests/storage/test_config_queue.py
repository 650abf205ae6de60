"""A study's queue: kept in its storage, read seldom, and emptied by the transaction that stores a trial."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import PROGRAM, TEMPLATE
from fakes import MINIMIZED, described

from tuner import Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import StudyNotFoundError
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import Transaction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.config_queue import StoredConfigQueue
from tuner.storage.engine import connect
from tuner.storage.store import Store, open_store

SPACE = SearchSpace(x=Float(0, 1))


@pytest.fixture
def store(storage: str) -> Iterator[Store]:
    made = open_store(storage)
    for name in ("queued", "other"):
        made.create(NewStudy(name=name, goal=MINIMIZED, space=SPACE, spec=described(MINIMIZED, 3), source={}))
    yield made
    made.close()


def at(x: float) -> Config:
    return Config({"x": x})


def begun(number: int, x: float) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.RUNNING, config=at(x))


def waiting(store: Store, name: str = "queued") -> list[Config]:
    return [each.config for each in store.queue(name).waiting()]


def test_what_was_added_waits_in_its_order_and_in_its_study_alone(store: Store) -> None:
    store.enqueue("queued", [at(0.5), at(0.1)])
    store.enqueue("queued", [at(0.3)])
    assert waiting(store) == [at(0.5), at(0.1), at(0.3)]
    assert waiting(store, "other") == []
    with pytest.raises(StudyNotFoundError):
        store.enqueue("nothing", [at(0.5)])


def test_a_transaction_takes_it_out_together_with_the_trial_it_becomes(store: Store) -> None:
    store.enqueue("queued", [at(0.5), at(0.1)])
    first, _ = store.queue("queued").waiting()
    with store.holding("queued") as writer:
        writer.store(Transaction(begun=(begun(0, 0.5),), dequeued=(first.key,)))
    assert waiting(store) == [at(0.1)]
    assert [trial.config for trial in store.read("queued")[1]] == [at(0.5)]


def test_a_transaction_that_is_undone_leaves_it(store: Store) -> None:
    store.enqueue("queued", [at(0.5)])
    (queued,) = store.queue("queued").waiting()
    with store.holding("queued") as writer, pytest.raises(ValueError, match="is not the next one"):
        writer.store(Transaction(begun=(begun(7, 0.5),), dequeued=(queued.key,)))
    assert waiting(store) == [at(0.5)]


def test_it_is_read_every_two_seconds_at_most_or_at_once_where_that_is_asked_for(
    store: Store, request: pytest.FixtureRequest
) -> None:
    moments = iter([0.0, 1.9, 2.0, 2.1, 2.2])
    engine = connect(store.location)
    request.addfinalizer(engine.dispose)
    timed = StoredConfigQueue(engine, 1, lambda: next(moments))  # the first study of the database
    assert timed.waiting() == ()
    store.enqueue("queued", [at(0.5)])
    assert timed.waiting() == ()
    assert len(timed.waiting()) == 1
    store.enqueue("queued", [at(0.1)])
    assert len(timed.waiting()) == 1
    assert len(timed.waiting(now=True)) == 2


def test_what_was_read_stands_while_the_storage_cannot_be_read(store: Store) -> None:
    store.enqueue("queued", [at(0.5)])
    queue = store.queue("queued")
    known = queue.waiting()
    if store.location.file is None:
        pytest.skip("a server is not moved away")
    store.location.file.rename(store.location.file.with_name("elsewhere.db"))
    assert queue.waiting(now=True) == known


def test_what_is_no_configuration_is_left_alone(store: Store) -> None:
    store.enqueue("queued", [Config({"y": [1, 2]})])
    assert waiting(store) == [{"y": (1, 2)}]
    store.delete("queued")
    with pytest.raises(StudyNotFoundError):
        store.queue("queued")
    assert waiting(store, "other") == []


ADDING = """
import sys
from tuner.domain.config import Config
from tuner.storage.store import open_store
store = open_store(sys.argv[2])
for index in range(20):
    store.enqueue("queued", [Config({"x": int(sys.argv[1]) / 10 + index / 1000})])
"""


def test_what_several_processes_add_at_a_time_is_all_there(store: Store, storage: str) -> None:
    Path("adding.py").write_text(ADDING)
    adding = [TEMPLATE.start("adding.py", str(number), storage, main=PROGRAM) for number in (1, 2)]
    told = [process.communicate()[1] for process in adding]
    assert [process.returncode for process in adding] == [0, 0], told
    found = sorted(config["x"] for config in waiting(store))
    assert found == sorted(number / 10 + index / 1000 for number in (1, 2) for index in range(20))
