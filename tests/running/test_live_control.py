"""A running study is paused, extended and stopped by another process, through its storage."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

import tuner
from tuner.domain.errors import ConfigurationError
from tuner.domain.new_study import NewStudy
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialState
from tuner.running.live_control import extend, limit, pause, stop
from tuner.storage.store import Store, open_store

pytestmark = pytest.mark.usefixtures("workplace")

OVER = threading.Event()
SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        OVER.wait(0.01)
        trial.save({"epoch": epoch})
        yield {"score": trial.config["x"]}


def spec() -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=train, search_space=SPACE, metric="score", direction="maximize", name="live",
        budget=tuner.Budget(trials=1, epochs=100_000), executor="inline", sampler="random", scheduler="none",
    )  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


@pytest.fixture
def running(store: Store) -> Iterator["Future[tuner.Study]"]:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(lambda: tuner.run(spec()))
        until(lambda: store.is_run("live") if "live" in store else False, run)
        yield run


def until(holds: Callable[[], bool], run: "Future[tuner.Study]") -> None:
    while not holds():
        assert not run.done(), run.exception()
        time.sleep(0.02)  # polling what another thread stores: there is no event to await


def states(store: Store) -> list[TrialState]:
    return [trial.state for trial in store.read("live")[1]]


def test_a_run_pauses_continues_with_more_trials_and_stops_with_everything_kept(
    store: Store, running: "Future[tuner.Study]"
) -> None:
    until(lambda: states(store) == [TrialState.RUNNING], running)
    pause(store, "live")
    until(lambda: states(store) == [TrialState.WAITING], running)
    at = store.read("live")[1][0].last_epoch
    limit(store, "live", 1)
    extend(store, "live", 2)
    pause(store, "live", off=True)
    until(lambda: store.read("live")[1][0].last_epoch > at, running)
    until(lambda: store.study("live").spec["budget"]["trials"] == 2, running)
    with pytest.raises(ConfigurationError, match="1 is below the 2 trials that study 'live' has in all") as raised:
        extend(store, "live", 1)
    assert "tuner stop live" in raised.value.hint
    stop(store, "live")
    with pytest.raises(tuner.NoUsableTrialError):
        running.result(120)
    assert states(store) == [TrialState.WAITING]
    assert store.study("live").stop_cause is StopCause.REQUEST
    assert store.study("live").notes["ends"] == {"budget.trials": [1, 2]}


def test_what_cannot_be_asked_is_refused_with_what_can_be_done() -> None:
    study = tuner.create_study(SPACE, metric="score", direction="maximize", name="told", trials=2)
    store = open_store(None)
    with study, pytest.raises(ConfigurationError, match="run by its own program"):
        stop(store, "told")
    study.close()
    store.create(NewStudy(name="idle", goal=study.goal, space=SPACE, spec=spec().describe(), source={}))
    requests: dict[str, Callable[[], None]] = {
        "tuner resume idle": lambda: pause(store, "idle"),
        "tuner status idle": lambda: stop(store, "idle"),
        "tuner resume idle --parallel 2": lambda: limit(store, "idle", 2),
        "tuner resume idle --trials 9": lambda: extend(store, "idle", 9),
    }
    for hint, ask in requests.items():
        with pytest.raises(ConfigurationError, match="no process runs the study") as raised:
            ask()
        assert raised.value.hint == hint
    with pytest.raises(ConfigurationError, match="at least 1"):
        limit(store, "idle", 0)
    store.close()
