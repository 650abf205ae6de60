"""An outage of the storage costs waiting, and no result."""

import stat
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from databases import transaction
from fakes import MAXIMIZED, metrics
from sqlalchemy import func, select

from tuner import Float, SearchSpace
from tuner.domain.errors import LeaseLostError, StorageError
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import Transaction, TrialUpdate
from tuner.domain.trial import Failure, FailureReason, Report, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage import schema
from tuner.storage import store as store_module
from tuner.storage.engine import connect, writing
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.location import Location
from tuner.storage.retrying_writer import Patience, RetryingWriter
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

SPACE = SearchSpace(x=Float(0, 1))


@pytest.fixture
def store(storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.01)
    opened = open_store(storage)
    opened.create(NewStudy(name="s", goal=MAXIMIZED, space=SPACE, spec={}, source={}))
    yield opened
    opened.close()


@pytest.fixture
def writer(store: Store) -> Iterator[SqlStudyWriter]:
    with store.holding("s") as held:
        yield held


@pytest.fixture
def spill(tmp_path: Path) -> FallbackFile:
    return FallbackFile(tmp_path, "s")


class Lock:
    """Another process that writes, and holds the database, or on a server the study's lease, all the while."""

    def __init__(self, location: Location) -> None:
        self._engine = connect(location)
        self._held = ExitStack()

    def take(self) -> None:
        connection = self._held.enter_context(writing(self._engine))
        connection.execute(select(schema.study_system_attributes).with_for_update())

    def release(self) -> None:
        self._held.close()
        self._engine.dispose()


class Outage:
    """Time in which the storage is locked, until somebody has slept so often; each try may last, too."""

    def __init__(self, lock: Lock, sleeps: int, try_seconds: float = 0) -> None:
        self.told: list[tuple[float, str]] = []
        self.seconds = 0.0
        self.is_stopping = False
        self._lock = lock
        self._sleeps = sleeps
        self._try_seconds = try_seconds

    def waits(self, seconds: float, reason: str) -> None:
        self.told.append((seconds, reason))

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds + self._try_seconds
        self._sleeps -= 1
        if self._sleeps == 0:
            self._lock.release()


def waiting(writer: SqlStudyWriter, spill: FallbackFile, outage: Outage, patience: float = 60) -> RetryingWriter:
    return RetryingWriter(
        writer,
        spill,
        waits=outage.waits,
        is_stopping=lambda: outage.is_stopping,
        patience=Patience(seconds=patience, clock=lambda: outage.seconds, sleep=outage.sleep),
    )


def running(number: int) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default, started=now())


def reported(number: int, epoch: int, value: float) -> TrialUpdate:
    trial = TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default, curve={epoch: value})
    return TrialUpdate(trial=trial, report=Report(number=number, epoch=epoch, metrics=metrics(value)))


def curves(store: Store) -> list[dict[int, float]]:
    return [dict(trial.curve) for trial in store.read("s")[1]]


def test_a_result_that_a_locked_storage_cannot_take_is_stored_when_it_can(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    lock = Lock(store.location)
    outage = Outage(lock, sleeps=2)
    patient = waiting(writer, spill, outage)
    patient.begin([running(0)])
    lock.take()
    patient.write([reported(0, 1, 0.5)])
    assert curves(store) == [{1: 0.5}]
    assert [seconds for seconds, _ in outage.told] == [0.0, pytest.approx(0.05), 0]
    assert "lock" in outage.told[0][1].lower()
    assert not spill.file.exists()


def test_a_whole_transaction_waits_for_a_locked_storage_and_is_stored_once(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    lock = Lock(store.location)
    patient = waiting(writer, spill, Outage(lock, sleeps=2))
    patient.begin([running(0)])
    lock.take()
    transaction = Transaction(begun=(running(1),), changes=(reported(0, 1, 0.5),), notes={"batching": {"most": 1}})
    patient.store(transaction)
    assert curves(store) == [{1: 0.5}, {}]
    assert store.study("s").notes["batching"] == {"most": 1}
    assert not spill.file.exists()


def test_new_trials_wait_too(store: Store, writer: SqlStudyWriter, spill: FallbackFile) -> None:
    lock = Lock(store.location)
    patient = waiting(writer, spill, Outage(lock, sleeps=1))
    lock.take()
    patient.begin([running(0)])
    assert len(store.read("s")[1]) == 1


def test_after_its_patience_the_result_is_in_a_private_file_and_the_error_says_where(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    lock = Lock(store.location)
    patient = waiting(writer, spill, Outage(lock, sleeps=-1), patience=0.1)
    patient.begin([running(0)])
    lock.take()
    with pytest.raises(StorageError) as gave_up:
        patient.write([reported(0, 1, 0.5)])
    assert f"the last results are kept in {spill.file}" in gave_up.value.hint
    assert stat.S_IMODE(spill.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(spill.file.parent.stat().st_mode) == 0o700
    lock.release()
    assert curves(store) == [{}]


def test_what_was_kept_is_stored_by_the_next_run_once(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    patient = waiting(writer, spill, Outage(Lock(store.location), sleeps=-1))
    patient.begin([running(0), running(1)])
    patient.write([reported(0, 1, 0.5)])
    spill.keep([reported(0, 1, 0.5), reported(1, 1, 0.75)])
    with spill.file.open("a") as file:
        file.write('[{"number": 0, "sta')
    spill.keep([reported(0, 2, 0.625)])
    assert patient.recover() == 2
    assert curves(store) == [{1: 0.5, 2: 0.625}, {1: 0.75}]
    assert patient.recover() == 0
    assert not spill.file.parent.exists()


def test_the_end_of_a_trial_is_recovered_whole(store: Store, writer: SqlStudyWriter, spill: FallbackFile) -> None:
    patient = waiting(writer, spill, Outage(Lock(store.location), sleeps=-1))
    patient.begin([running(0), running(1)])
    failure = Failure(reason=FailureReason.RAISED, message="ValueError: no", traceback="line 3")
    ended = TrialRecord(
        number=0, state=TrialState.COMPLETE, config=SPACE.default, value=0.5, epoch=1, metrics=metrics(0.5),
        started=now(), finished=now(),
    )  # fmt: skip
    failed = TrialRecord(number=1, state=TrialState.FAIL, config=SPACE.default, failure=failure, finished=now())
    report = Report(number=0, epoch=1, metrics=metrics(0.5))
    spill.keep([TrialUpdate(trial=ended, report=report), TrialUpdate(trial=failed)])
    patient.recover()
    first, second = store.read("s")[1]
    assert (first.state, first.value, first.epoch) == (TrialState.COMPLETE, 0.5, 1)
    assert first.finished is not None
    assert ended.finished is not None
    assert abs(first.finished - ended.finished) <= timedelta(seconds=1)  # all that MariaDB keeps of it
    assert first.metrics == metrics(0.5)
    assert second.failure == failure


def test_a_run_that_is_told_to_stop_does_not_wait_long(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    lock = Lock(store.location)
    outage = Outage(lock, sleeps=-1, try_seconds=2)
    patient = waiting(writer, spill, outage, patience=3600)
    patient.begin([running(0)])
    lock.take()
    outage.is_stopping = True
    with pytest.raises(StorageError):
        patient.write([reported(0, 1, 0.5)])
    assert outage.seconds < 10
    assert spill.read() != []
    lock.release()


def test_what_waiting_cannot_mend_is_raised_at_once(store: Store, writer: SqlStudyWriter, spill: FallbackFile) -> None:
    outage = Outage(Lock(store.location), sleeps=-1)
    patient = waiting(writer, spill, outage)
    patient.begin([running(0)])
    patient.write([reported(0, 1, 0.5)])
    with pytest.raises(StorageError, match=r"(?i)unique constraint|duplicate entry"):
        patient.write([reported(0, 1, 0.5)])
    assert outage.told == []


def test_a_result_that_came_with_a_lost_lease_is_evidence_and_does_not_count(
    store: Store, writer: SqlStudyWriter, spill: FallbackFile
) -> None:
    patient = waiting(writer, spill, Outage(Lock(store.location), sleeps=-1))
    patient.begin([running(0)])
    with transaction(store.location) as connection:
        lease = schema.study_system_attributes.c.value_json
        successor = func.replace(lease, '"token": 1', '"token": 2')
        connection.execute(schema.study_system_attributes.update().values(value_json=successor))
    with pytest.raises(LeaseLostError) as lost:
        patient.write([reported(0, 1, 0.5)])
    assert str(spill.late_file) in lost.value.hint
    assert '"epoch"' in spill.late_file.read_text()
    assert curves(store) == [{}]
    assert spill.read() == []
