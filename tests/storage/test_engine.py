"""Transactions that a server undoes, and names that differ in their capitals alone."""

import threading
from collections.abc import Callable

import pytest
from databases import opened
from fakes import MAXIMIZED
from servers import KINDS, Server
from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Engine

from tuner import Float, SearchSpace
from tuner.domain.errors import StorageError, StudyExistsError
from tuner.domain.new_study import NewStudy
from tuner.storage import schema
from tuner.storage.engine import committed, connect
from tuner.storage.location import locate
from tuner.storage.store import Store, open_store

SPACE = SearchSpace(x=Float(0, 1), X=Float(0, 1))


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> str:
    return servers(request.param).database()


def create(store: Store, name: str) -> None:
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=SPACE, spec={}, source={}))


def test_what_a_server_undoes_for_another_transaction_is_done_again(server: str) -> None:
    store = open_store(server)
    for name in ("a", "b"):
        create(store, name)
    both = threading.Barrier(2, timeout=30)
    attempts: list[str] = []
    studies = schema.studies.c

    def rename(engine: Engine, first: str, second: str) -> None:
        def act(connection: Connection) -> None:
            is_first_time = first not in attempts
            attempts.append(first)
            for name in (first, second):
                connection.execute(
                    update(schema.studies).where(studies.study_name == name).values(study_name=studies.study_name)
                )
                connection.execute(select(studies.study_id).where(studies.study_name == name).with_for_update())
                if name == first and is_first_time:
                    both.wait()

        committed(engine, act)

    with opened(locate(server)) as engine:
        threads = [threading.Thread(target=rename, args=(engine, *names)) for names in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    store.close()
    assert len(attempts) > 2, "one of the two was undone; how often, the server decides"


def test_an_error_that_no_repetition_mends_is_raised_at_once(server: str) -> None:
    engine, attempts = connect(locate(server)), []

    def act(connection: Connection) -> None:
        attempts.append(1)
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(StorageError, match="nowhere"):
        committed(engine, act)
    assert len(attempts) == 1
    engine.dispose()


def test_names_that_differ_in_capitals_alone_are_those_of_different_studies(storage: str) -> None:
    store = open_store(storage)
    for name in ("digits", "Digits"):
        create(store, name)
    assert list(store.names) == ["digits", "Digits"]
    assert store.study("Digits").name == "Digits"
    store.delete("Digits")
    assert list(store.names) == ["digits"]
    with pytest.raises(StudyExistsError, match="study 'digits' exists already"):
        create(store, "digits")
    store.close()


def test_a_database_that_does_not_tell_capitals_apart_refuses_such_a_name(
    servers: Callable[[str], Server],
) -> None:
    storage = servers("mariadb").database()
    store = open_store(storage)
    create(store, "digits")
    committed(
        connect(locate(storage)),
        lambda connection: connection.exec_driver_sql(
            "ALTER TABLE studies MODIFY study_name VARCHAR(512) COLLATE utf8mb4_general_ci NOT NULL"
        ),
    )
    with pytest.raises(StudyExistsError, match="it does not distinguish capitals"):
        create(store, "Digits")
    assert "Digits" not in store
    store.close()
