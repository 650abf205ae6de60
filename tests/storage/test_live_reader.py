"""Following a study that another process runs."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import MAXIMIZED, metrics
from sqlalchemy import event, text

from tuner import Float, SearchSpace
from tuner.domain.errors import StorageError, StudyNotFoundError
from tuner.domain.event import EventKind
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage.engine import reading, writing
from tuner.storage.lease import LASTS
from tuner.storage.live_reader import Follower
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

SPACE = SearchSpace(x=Float(0, 1))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a study that has not begun: Optuna takes its time to make the tables."""
    file = tmp_path_factory.mktemp("fresh") / "studies.db"
    opened = open_store(str(file))
    opened.create(NewStudy(name="s", goal=MAXIMIZED, space=SPACE, spec={}, source={}))
    opened.close()
    return file


@pytest.fixture
def store(fresh: Path, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(shutil.copy(fresh, tmp_path / "a b#?%.db")))
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store) -> Iterator[Store]:
    """The same place, as whoever watches opens it."""
    opened = open_store(str(store.location.file), read_only=True)
    yield opened
    opened.close()


def begun(writer: SqlStudyWriter, *numbers: int) -> None:
    writer.begin(
        [TrialRecord(number=n, state=TrialState.RUNNING, config=SPACE.default, started=now()) for n in numbers]
    )


def reported(writer: SqlStudyWriter, number: int, epoch: int, state: TrialState = TrialState.RUNNING) -> None:
    trial = TrialRecord(
        number=number,
        state=state,
        config=SPACE.default,
        value=0.5,
        epoch=1,
        metrics=metrics(0.5),
        started=now(),
        finished=now() if state.is_finished else None,
    )
    writer.write([TrialUpdate(trial=trial, report=Report(number=number, epoch=epoch, metrics=metrics(0.5)))])


def seen(follower: Follower) -> list[tuple[EventKind, int, int]]:
    return [(each.kind, each.trial.number, each.trial.last_epoch) for each in follower.look()]


def test_what_happens_is_seen_once_and_in_the_order_of_the_trials(store: Store, reader: Store) -> None:
    with store.holding("s") as writer:
        follower = Follower(reader, "s")
        assert seen(follower) == []
        begun(writer, 0, 1)
        assert seen(follower) == [(EventKind.REPORTED, 0, 0), (EventKind.REPORTED, 1, 0)]
        reported(writer, 1, 1)
        begun(writer, 2)
        assert seen(follower) == [(EventKind.REPORTED, 1, 1), (EventKind.REPORTED, 2, 0)]
        reported(writer, 1, 2, TrialState.COMPLETE)
        assert seen(follower) == [(EventKind.FINISHED, 1, 2)]
        assert seen(follower) == []


def test_a_trial_that_is_put_back_is_seen_to_wait(store: Store, reader: Store) -> None:
    with store.holding("s") as writer:
        begun(writer, 0)
        follower = Follower(reader, "s")
        waiting = replace(store.read("s")[1][0], state=TrialState.WAITING)
        writer.write([TrialUpdate(trial=waiting)])
        assert seen(follower) == [(EventKind.SUSPENDED, 0, 0)]


def test_what_was_over_before_the_run_is_told_apart_from_what_the_run_did(store: Store, reader: Store) -> None:
    with store.holding("s") as writer:
        begun(writer, 0, 1)
        reported(writer, 0, 1, TrialState.PRUNED)
    with store.holding("s") as writer:
        reported(writer, 1, 1, TrialState.COMPLETE)
        follower = Follower(reader, "s")
    assert [trial.number for trial in follower.before] == [0]
    assert [(each.kind, each.trial.number) for each in follower.opening()] == [(EventKind.FINISHED, 1)]


def test_the_age_is_that_of_the_run(store: Store, reader: Store) -> None:
    with store.holding("s"):
        follower = Follower(reader, "s", lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert 300 <= follower.age < 310


def test_a_renewed_lease_still_says_when_the_run_began(store: Store, reader: Store) -> None:
    with store.holding("s"):
        before = store.claim("s")
    after = store.claim("s")  # given back, which is the last renewal
    assert before is not None
    assert after is not None
    assert before.since == after.since is not None


def test_who_runs_the_study_is_known_while_it_runs(store: Store, reader: Store) -> None:
    with store.holding("s"):
        follower = Follower(reader, "s")
        assert follower.holder() is not None
    assert follower.holder() is None


def test_a_holder_that_does_not_renew_its_lease_is_silent(store: Store, reader: Store) -> None:
    later = timedelta(seconds=20)
    with store.holding("s"):
        follower = Follower(reader, "s", lambda: datetime.now(UTC) + later)
        holder = follower.holder()
    assert holder is not None
    assert 20 <= follower.silence(holder) < LASTS.total_seconds()


def test_of_trials_that_are_over_nothing_is_read_again(store: Store, reader: Store) -> None:
    with store.holding("s") as writer:
        begun(writer, *range(6))
        for number in range(5):
            reported(writer, number, 1, TrialState.COMPLETE)
        follower = Follower(reader, "s")
        assert [trial.number for trial in reader.news(follower.study, [5], 6)] == [5]


def test_watching_neither_writes_nor_locks(store: Store, reader: Store) -> None:
    statements: list[str] = []
    event.listen(reader.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with store.holding("s") as writer:
        follower = Follower(reader, "s")
        with reading(reader.engine) as connection:  # in the middle of a look
            connection.execute(text("SELECT count(*) FROM trials"))
            begun(writer, 0)
        seen(follower)
        follower.holder()
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "PRAGMA", "BEGIN"}
    assert "IMMEDIATE" not in " ".join(statements)


def test_the_database_itself_refuses_to_be_written_by_who_only_reads(reader: Store) -> None:
    with pytest.raises(StorageError, match="readonly"), writing(reader.engine) as connection:
        connection.execute(text("DELETE FROM studies"))


def test_a_study_that_is_deleted_meanwhile_is_missed(store: Store, reader: Store) -> None:
    follower = Follower(reader, "s")
    store.delete("s")
    with pytest.raises(StudyNotFoundError):
        follower.look()
