"""Studies wait in a storage's queue, in order, as data; workers run them, and one that dies is followed by another."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from commands import TEMPLATE

from tuner.domain.errors import StudyExistsError
from tuner.domain.run_controller import StopCause
from tuner.domain.study_queue import QueueState
from tuner.running.live_control import stop
from tuner.running.study_queue import QueueWorker, submit
from tuner.storage.store import open_store
from tuner.storage.study_queue import submitted

PROGRAM = """
import os, time, tuner
space = tuner.SearchSpace(x=tuner.Float(0, 1))
def train(trial):
    for epoch in range(trial.epoch, trial.max_epochs):
        while epoch == 2 and os.path.exists("wait"):
            time.sleep(0.01)
        trial.save({"epoch": epoch})
        yield {"score": trial.config["x"]}
"""
STUDY = """
objective = "queued:train"
search_space = "queued:space"
metric = "score"
direction = "maximize"
executor = "inline"
[budget]
trials = 2
epochs = 3
[sampler]
name = "random"
"""


@pytest.fixture(autouse=True)
def _study(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (workplace / "queued.py").write_text(PROGRAM)
    (workplace / "queued.toml").write_text(STUDY)
    yield
    sys.modules.pop("queued", None)


def put(name: str, priority: int = 0, **overrides: object) -> None:
    submit("queued.toml", overrides={"name": name, **overrides}, priority=priority)


def states() -> dict[str, QueueState]:
    with closing(open_store(None)) as store:
        return {each.name: each.state for each in submitted(store)}


def test_studies_are_taken_by_priority_and_in_the_order_of_their_arrival() -> None:
    worker = QueueWorker(None)
    assert worker.is_empty
    for name, priority in (("first", 0), ("second", 0), ("urgent", 5), ("late", -1)):
        put(name, priority)
    assert [*states()] == ["urgent", "first", "second", "late"]
    with closing(open_store(None)) as store, store.holding("urgent"):
        assert worker.next() == "first"  # another worker has the urgent one
    assert worker.next() == "urgent"
    with pytest.raises(StudyExistsError):
        put("first")


def test_a_user_without_a_name_submits_as_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    put("nameless")
    with closing(open_store(None)) as store:
        assert submitted(store)[0].submitter.startswith(f"user {2**31 - 7}@")


def test_what_was_submitted_is_run_whatever_became_of_its_file() -> None:
    put("kept", **{"budget.trials": 1})
    Path("queued.toml").write_text(STUDY.replace("epochs = 3", "epochs = 9"))
    worker = QueueWorker(None)
    turn = worker.run("kept")
    assert (turn.cause, turn.problem) == (None, "")
    with closing(open_store(None)) as store:
        assert [trial.last_epoch for trial in store.read("kept")[1]] == [3]
    assert states() == {"kept": QueueState.DONE}
    assert worker.is_empty
    assert worker.next() is None


def test_what_a_study_hands_out_is_settled_before_it_leaves_the_queue() -> None:
    put("settled", **{"budget.trials": 1})
    before: list[QueueState] = []
    QueueWorker(None).run("settled", settle=lambda _, name: before.append(states()[name]))
    assert before == [QueueState.WAITING]
    assert states() == {"settled": QueueState.DONE}


def test_nothing_is_settled_of_a_study_that_a_person_has_stopped() -> None:
    put("stopped", **{"budget.trials": 100_000})
    settled: list[str] = []
    with ThreadPoolExecutor(1) as pool, closing(open_store(None)) as store:
        turn = pool.submit(QueueWorker(None).run, "stopped", settle=lambda _, name: settled.append(name))
        while not store.is_run("stopped"):
            assert not turn.done(), turn.exception()
            time.sleep(0.02)  # polling what another thread stores: there is no event to await
        stop(store, "stopped")
        assert turn.result(120).cause is StopCause.REQUEST
    assert states() == {"stopped": QueueState.STOPPED}
    assert not settled


def test_a_study_that_fails_is_out_of_the_queue_and_the_worker_continues() -> None:
    put("broken")
    put("sound")
    Path("queued.py").write_text(PROGRAM.replace("for epoch in", "raise ValueError('broken')\n    for epoch in"))
    sys.modules.pop("queued")
    worker = QueueWorker(None)
    assert worker.run("broken").cause in (None, StopCause.FAILURES)
    assert states() == {"broken": QueueState.FAILED, "sound": QueueState.WAITING}
    assert worker.next() == "sound"


def test_code_from_elsewhere_is_left_alone_unless_it_is_trusted(
    workplace: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("theirs", **{"budget.trials": 1})
    sys.modules.pop("queued", None)
    sys.path[:] = [path for path in sys.path if path != str(workplace)]
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    storage = str(workplace / ".tuner" / "studies.db")
    worker = QueueWorker(storage)
    assert "which is not the working directory" in worker.run("theirs").problem
    assert "queued" not in sys.modules
    assert worker.is_empty  # of what it may run
    assert worker.next() is None
    trusting = QueueWorker(storage, trust=True)
    assert trusting.next() == "theirs"
    assert trusting.run("theirs").problem == ""


def test_a_study_whose_worker_was_killed_is_taken_on_by_another(workplace: Path) -> None:
    put("long", **{"budget.trials": 1})
    (workplace / "wait").touch()
    killed = TEMPLATE.start("work", cwd=workplace, env={**os.environ})
    try:
        while last_epoch("long") < 1:
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.05)  # polling what another process writes: there is no event to await
        assert QueueWorker(None).next() is None
        assert not QueueWorker(None).is_empty
    finally:
        killed.kill()
        killed.communicate()
    (workplace / "wait").unlink()
    worker = QueueWorker(None)
    assert worker.next() == "long"
    assert worker.run("long").problem == ""
    assert last_epoch("long") == 3
    assert states() == {"long": QueueState.DONE}


def last_epoch(name: str) -> int:
    with closing(open_store(None)) as store:
        return max((trial.last_epoch for trial in store.read(name)[1]), default=0)
