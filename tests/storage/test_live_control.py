"""What is asked of a run: kept for that run alone, and for none that comes later."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from fakes import MINIMIZED, described

from tuner import Float, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.live_control import NOTHING_ASKED, LiveControl
from tuner.domain.new_study import NewStudy
from tuner.storage.store import Store, open_store


@pytest.fixture
def store(storage: str) -> Iterator[Store]:
    made = open_store(storage)
    made.create(
        NewStudy(name="run", goal=MINIMIZED, space=SearchSpace(x=Float(0, 1)), spec=described(MINIMIZED, 3), source={})
    )
    yield made
    made.close()


def token(store: Store) -> int:
    claim = store.claim("run")
    assert claim is not None
    return claim.token


def test_what_is_asked_adds_up_and_is_gone_with_the_run(store: Store) -> None:
    control = store.control("run")
    with store.holding("run"):
        first = token(store)
        assert control.asked(first) == NOTHING_ASKED
        control.ask(lambda asked: replace(asked, parallel=2))
        control.ask(lambda asked: replace(asked, is_paused=True, trials=9))
        assert control.asked(first) == LiveControl(is_paused=True, trials=9, parallel=2)
    with store.holding("run"):
        assert control.asked(token(store)) == NOTHING_ASKED
        control.ask(lambda asked: replace(asked, stops=True))
        assert control.asked(token(store)) == LiveControl(stops=True)
        assert control.asked(first) == NOTHING_ASKED


def test_what_several_ask_at_once_is_all_kept(store: Store, storage: str) -> None:
    changes: list[dict[str, Any]] = [{"is_paused": True}, {"trials": 9}, {"parallel": 2}, {"stops": True}]
    together = threading.Barrier(len(changes))

    def ask(change: dict[str, Any]) -> None:
        with closing(open_store(storage)) as own:
            control = own.control("run")
            together.wait(600)
            control.ask(lambda asked: replace(asked, **change))

    with store.holding("run"), ThreadPoolExecutor(len(changes)) as pool:
        for done in [pool.submit(ask, change) for change in changes]:
            done.result()
        assert store.control("run").asked(token(store)) == LiveControl(is_paused=True, stops=True, trials=9, parallel=2)


def test_nothing_is_asked_of_a_study_that_no_process_runs(store: Store) -> None:
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no process runs the study"):
            store.control("run").ask(lambda asked: replace(asked, stops=True))
        with store.holding("run"):
            pass
