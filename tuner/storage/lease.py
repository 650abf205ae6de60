"""Leases: one process at a time runs a study and renews its lease; a lease that is not renewed expires.

Each holder's lease has a number one above the last one's, a fencing token: every transaction of the holder's writer
reads it first, so a process that slept through the end of its lease cannot write over its successor's study (M.
Kleppmann, How to do distributed locking, 2016). A holder that died on this machine is noticed at once, elsewhere when
its lease ends.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, final

from sqlalchemy import Engine, Select, insert, select, update
from sqlalchemy.engine import Connection

from tuner.domain.errors import LeaseLostError, StorageError, StudyHeldError
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage import schema
from tuner.storage.engine import committed, writing
from tuner.storage.location import locate
from tuner.storage.validation import readable
from tuner.system.processes import start_time
from tuner.system.untrusted_files import json_of

KEY = "tuner:lease"
LASTS = timedelta(seconds=30)
_BEAT_SECONDS = 5.0
"""How often a lease is renewed: it takes several missed beats until another process may take it."""

_TABLE = schema.study_system_attributes

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, which holders on several machines have to agree on within seconds."""
    return datetime.now(UTC)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseOwner:
    """A process: where it runs, its number there, and when it started, because numbers are given again."""

    host: str
    pid: int
    start_time: str

    @staticmethod
    def parsed(stored: Mapping[str, Any]) -> "LeaseOwner":
        """Return the holder with these fields; raises `KeyError` or `TypeError` where they are no such thing."""
        return LeaseOwner(host=str(stored["host"]), pid=int(stored["pid"]), start_time=str(stored["birth"]))

    @staticmethod
    def this() -> "LeaseOwner":
        """Return the process that asks."""
        return LeaseOwner(host=socket.gethostname(), pid=os.getpid(), start_time=start_time(os.getpid()))

    def describe(self) -> Mapping[str, Any]:
        """Return the fields as they are stored."""
        return {"host": self.host, "pid": self.pid, "birth": self.start_time}

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; False for one on another machine."""
        return self.host == socket.gethostname() and start_time(self.pid) != self.start_time


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """A lease as stored: `until` is None where the holder gave it back.

    `since` is when the run began, and `ended` when the holder gave the lease back, None where it has not; both are None
    for a lease that an earlier version of tuner wrote.
    """

    token: int
    holder: LeaseOwner
    until: datetime | None
    since: datetime | None = None
    ended: datetime | None = None

    @property
    def last_alive(self) -> datetime | None:
        """When the holder is last known to have run the study; None where that is not known."""
        return self.ended if self.until is None else self.until - LASTS

    def is_valid(self, now: datetime) -> bool:
        """Whether a process holds the study."""
        return self.until is not None and now < self.until and not self.holder.is_gone

    def silence(self, now: datetime) -> float:
        """Return how many seconds ago the holder last renewed the lease, which it does every few."""
        return max(0.0, (now - (self.until or now) + LASTS).total_seconds())

    def describe(self) -> str:
        """Return the JSON form."""
        times = {"until": self.until, "since": self.since, "ended": self.ended}
        written = {key: None if time is None else time.isoformat() for key, time in times.items()}
        return json.dumps({"token": self.token, "holder": self.holder.describe(), **written})

    @staticmethod
    def parsed(text: str) -> "LeaseRecord":
        """Return the lease that `describe` wrote; raises what `readable` takes for what it did not write."""
        stored = json_of(text)
        return LeaseRecord(
            token=int(stored["token"]),
            holder=LeaseOwner.parsed(stored["holder"]),
            until=_time(stored["until"]),
            since=_time(stored.get("since")),
            ended=_time(stored.get("ended")),
        )


@final
class Lease:
    """A study that this process holds."""

    def __init__(self, engine: Engine, study_id: int, claim: LeaseRecord, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._study_id = study_id
        self._claim = claim
        self._clock = clock

    @property
    def token(self) -> int:
        """The lease's number, larger than that of every holder before."""
        return self._claim.token

    def check(self, connection: Connection, *, changes: bool = False) -> None:
        """Raise `LeaseLostError` in a transaction that would write into a study that another process has taken over.

        Until it ends no other process can take the study over. `changes` says that it will write the lease itself.
        """
        stored = _stored(connection, self._study_id, changes=changes)
        if stored is None or stored.token != self.token:
            raise LeaseLostError(
                f"this process lost the study: {stored.holder if stored else 'an unknown process'} has taken it over",
                hint="it was asleep or cut off for too long; the other process continues the study",
            )

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease until the end of the block, and give it back then."""
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=[over], name="tuner-lease", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()
            # The next process sees that this one has ended, or that the lease has.
            with suppress(StorageError, LeaseLostError):
                self._extend(None)

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(_BEAT_SECONDS):
            with suppress(StorageError):  # an outage: the next beat may come through
                try:
                    self._extend(self._clock() + LASTS)
                except LeaseLostError:  # raised again by the next transaction
                    return

    def _extend(self, until: datetime | None) -> None:
        with writing(self._engine) as connection:
            self.check(connection, changes=True)
            claim = replace(self._claim, until=until, ended=self._clock() if until is None else None)
            connection.execute(update(_TABLE).where(_is_of(self._study_id)).values(value_json=claim.describe()))


def refuse_held(connection: Connection, study_id: int, name: str, now: datetime) -> LeaseRecord | None:
    """Raise `StudyHeldError` where a process holds the study; until the transaction ends, none can take it.

    Returns the lease that was held last, None where the study was never run.
    """
    lock_study(connection, study_id)
    before = _stored(connection, study_id, changes=True)
    if before is not None and before.is_valid(now):
        raise _held(connection, name, before, now)
    return before


def lock_study(connection: Connection, study_id: int) -> None:
    """Let no other transaction that locks the study continue until this one ends.

    Where rows are locked one by one, the study's own stands for it; SQLite locks everything.
    """
    connection.execute(select(schema.studies.c.study_id).where(schema.studies.c.study_id == study_id).with_for_update())


def take(engine: Engine, study_id: int, name: str, clock: Clock = utc_now) -> LeaseRecord:
    """Claim a study for this process; raises `StudyHeldError` where another one holds it.

    The time in which no process ran the study is not counted as time of its unfinished trials.
    """

    def claim_it(connection: Connection) -> LeaseRecord:
        now = clock()
        before = refuse_held(connection, study_id, name, now)
        token = 1 if before is None else before.token + 1
        claim = LeaseRecord(token=token, holder=LeaseOwner.this(), until=now + LASTS, since=now)
        if before is not None and before.last_alive is not None:
            _leave_out(connection, study_id, before.last_alive, now)
        if before is None:
            row = {"study_id": study_id, "key": KEY, "value_json": claim.describe()}
            connection.execute(insert(_TABLE).values(row))
        else:
            connection.execute(update(_TABLE).where(_is_of(study_id)).values(value_json=claim.describe()))
        return claim

    return committed(engine, claim_it)


def _leave_out(connection: Connection, study_id: int, last_alive: datetime, now: datetime) -> None:
    """Move the starts of unfinished trials on by the time between two runs, so that their durations are those of runs.

    Durations are computed from start and end, by Optuna's programs too.
    """
    trials, stopped = schema.trials, last_alive.astimezone(UTC).replace(tzinfo=None)
    is_unfinished = trials.c.state.in_([TrialState.RUNNING.value, TrialState.WAITING.value])
    began_before = (trials.c.study_id == study_id) & is_unfinished & (trials.c.datetime_start <= stopped)
    pause = max(timedelta(0), now - last_alive)
    for row in connection.execute(select(trials.c.trial_id, trials.c.datetime_start).where(began_before)).all():
        moved = update(trials).where(trials.c.trial_id == row.trial_id)
        connection.execute(moved.values(datetime_start=row.datetime_start + pause))


def claim_on(connection: Connection, study_id: int) -> LeaseRecord | None:
    """Return the lease of a study, valid or not; None for one that never ran."""
    return _parsed(connection.execute(_row(study_id)).scalar())


def _stored(connection: Connection, study_id: int, *, changes: bool) -> LeaseRecord | None:
    """Return the lease, locked; two that shared the lock before one changes the row would wait for each other."""
    return _parsed(connection.execute(_row(study_id).with_for_update(read=not changes)).scalar())


def _row(study_id: int) -> Select[Any]:
    return select(_TABLE.c.value_json).where(_is_of(study_id))


def _parsed(stored: str | None) -> LeaseRecord | None:
    if stored is None:
        return None
    with readable("the lease of a study"):
        return LeaseRecord.parsed(stored)


def _time(written: str | None) -> datetime | None:
    if written is None:
        return None
    time = datetime.fromisoformat(written)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _is_of(study_id: int) -> Any:
    return (_TABLE.c.study_id == study_id) & (_TABLE.c.key == KEY)


def _held(connection: Connection, name: str, claim: LeaseRecord, now: datetime) -> StudyHeldError:
    location = locate(connection.engine.url.render_as_string(hide_password=False))
    watch = location.command("watch", name)
    return StudyHeldError(
        f"study {name!r} runs already, in {claim.holder}",
        hint=f"watch it with: {watch}\n{_how_to_stop(claim, now, location.command('stop', name))}",
    )


def _how_to_stop(claim: LeaseRecord, now: datetime, stop: str) -> str:
    holder = claim.holder
    if holder == LeaseOwner.this():
        return "this process itself runs it, in another thread or further up: let that end first"
    if holder.host == socket.gethostname():
        return f"or stop it first, with all that it has measured saved: {stop} (or kill {holder.pid})"
    left = (claim.until - now).total_seconds() if claim.until else 0
    return f"or stop it first: {stop}; if {holder.host} has crashed, try again in {left:.0f} s"


def as_left(
    connection: Connection, study_id: int, study: StudyRecord, trials: tuple[TrialRecord, ...]
) -> tuple[TrialRecord, ...]:
    """Return the trials, those that a run has left RUNNING as WAITING."""
    is_running = any(trial.state is TrialState.RUNNING for trial in trials)
    if not is_running or not is_left(connection, study_id, study):
        return trials
    waiting = {TrialState.RUNNING: TrialState.WAITING}
    return tuple(replace(trial, state=waiting.get(trial.state, trial.state)) for trial in trials)


def is_left(connection: Connection, study_id: int, study: StudyRecord) -> bool:
    """Whether no process runs the study; of Optuna's own studies that is not known."""
    claim = claim_on(connection, study_id)
    return study.space is not None and (claim is None or not claim.is_valid(utc_now()))
