"""One process at a time runs a study."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import PROGRAM, TEMPLATE
from databases import opened, transaction
from fakes import MAXIMIZED
from sqlalchemy import update

from tuner import Float, SearchSpace
from tuner.domain.errors import LeaseLostError, StudyHeldError
from tuner.domain.new_study import NewStudy
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage import schema
from tuner.storage.lease import KEY, LASTS, Lease, LeaseOwner, LeaseRecord, take, utc_now
from tuner.storage.store import Store, open_store
from tuner.system.processes import start_time

SPACE = SearchSpace(x=Float(0, 1))
TABLE = schema.study_system_attributes
OTHER = LeaseOwner(host="another.host", pid=1, start_time="1")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(storage: str) -> Iterator[Store]:
    opened = open_store(storage)
    opened.create(NewStudy(name="s", goal=MAXIMIZED, space=SPACE, spec={}, source={}))
    yield opened
    opened.close()


def give(store: Store, claim: LeaseRecord) -> None:
    """Store a claim as another process would have."""
    with store.holding("s"):
        pass  # so that there is a row
    replaced(store, claim)


def replaced(store: Store, claim: LeaseRecord) -> None:
    """Store a claim in place of the one there is."""
    with transaction(store.location) as connection:
        connection.execute(update(TABLE).where(TABLE.c.key == KEY).values(value_json=claim.describe()))


def running(number: int) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default)


def test_a_study_that_is_held_is_refused_with_who_holds_it(store: Store) -> None:
    with store.holding("s"), pytest.raises(StudyHeldError) as refused, store.holding("s"):
        pass
    assert refused.value.exit_code == 5
    assert f"process {os.getpid()} on " in refused.value.message
    assert "this process itself runs it" in refused.value.hint


@pytest.mark.parametrize(("host", "advice"), [("", "kill "), ("elsewhere", "if elsewhere has crashed, try again in ")])
def test_who_is_refused_is_told_how_to_stop_the_other(host: str, advice: str, store: Store) -> None:
    parent = LeaseOwner(host=host or socket.gethostname(), pid=os.getppid(), start_time=start_time(os.getppid()))
    give(store, LeaseRecord(token=1, holder=parent, until=utc_now() + timedelta(seconds=60)))
    with pytest.raises(StudyHeldError) as refused, store.holding("s"):
        pass
    assert advice in refused.value.hint


def test_a_study_that_was_given_back_can_be_held_again_under_a_higher_token(store: Store) -> None:
    with store.holding("s"):
        first = store.claim("s")
    with store.holding("s"):
        second = store.claim("s")
    assert first is not None
    assert second is not None
    assert (first.token, second.token) == (1, 2)


def test_nobody_holds_a_study_that_was_given_back(store: Store) -> None:
    assert store.claim("s") is None
    with store.holding("s"):
        pass
    claim = store.claim("s")
    assert claim is not None
    assert not claim.is_valid(utc_now())


def test_the_lease_of_a_process_that_died_here_is_taken_over_at_once(store: Store) -> None:
    Path("dies.py").write_text(
        "import os, sys; from tuner.storage.store import open_store\n"
        "with open_store(sys.argv[1]).holding('s'): os.kill(os.getpid(), 9)"
    )
    died = TEMPLATE.run("dies.py", store.location.url.render_as_string(hide_password=False), main=PROGRAM)
    assert died.returncode == -9, died.stderr
    left = store.claim("s")
    assert left is not None
    assert left.until is not None
    assert left.until > utc_now()
    with store.holding("s"):
        taken = store.claim("s")
    assert taken is not None
    assert taken.token == left.token + 1


def test_the_lease_of_another_machine_is_respected_until_it_ends(store: Store) -> None:
    give(store, LeaseRecord(token=7, holder=OTHER, until=utc_now() + timedelta(seconds=20)))
    with pytest.raises(StudyHeldError, match=r"process 1 on another\.host"), store.holding("s"):
        pass
    give_over = LeaseRecord(token=7, holder=OTHER, until=utc_now() - timedelta(seconds=1))
    with transaction(store.location) as connection:
        connection.execute(update(TABLE).where(TABLE.c.key == KEY).values(value_json=give_over.describe()))
    with store.holding("s"):
        claim = store.claim("s")
    assert claim is not None
    assert claim.token == 8


@contextmanager
def taken_over(store: Store) -> Iterator[None]:
    claim = store.claim("s")
    assert claim is not None
    successor = replace(claim, token=claim.token + 1, holder=OTHER)
    with transaction(store.location) as connection:
        connection.execute(update(TABLE).where(TABLE.c.key == KEY).values(value_json=successor.describe()))
    yield


def test_whoever_lost_the_lease_writes_nothing_more(store: Store) -> None:
    with store.holding("s") as writer:
        writer.begin([running(0)])
        with taken_over(store), pytest.raises(LeaseLostError, match=r"process 1 on another\.host has taken it over"):
            writer.begin([running(1)])
    assert len(store.read("s")[1]) == 1
    claim = store.claim("s")
    assert claim is not None
    assert claim.holder == OTHER, "giving back what was lost takes nothing from the successor"


def test_a_lease_that_ended_unnoticed_goes_on(store: Store) -> None:
    with store.holding("s") as writer:
        claim = store.claim("s")
        assert claim is not None
        ended = replace(claim, until=utc_now() - timedelta(hours=1))
        with transaction(store.location) as connection:
            connection.execute(update(TABLE).where(TABLE.c.key == KEY).values(value_json=ended.describe()))
        writer.begin([running(0)])
    assert len(store.read("s")[1]) == 1


def test_a_claim_is_read_back_as_it_was() -> None:
    for until in (None, NOON):
        claim = LeaseRecord(token=3, holder=OTHER, until=until)
        assert LeaseRecord.parsed(claim.describe()) == claim


def test_a_claim_holds_until_its_time_is_up() -> None:
    claim = LeaseRecord(token=1, holder=OTHER, until=NOON + LASTS)
    assert claim.is_valid(NOON)
    assert not claim.is_valid(NOON + LASTS)


def test_a_process_is_no_other_one_that_was_given_its_number_later() -> None:
    this = LeaseOwner.this()
    assert not this.is_gone
    assert replace(this, start_time="0").is_gone
    assert not replace(this, host="another.host", start_time="0").is_gone, "nobody here can know"


def test_a_process_that_ended_but_was_not_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    holder = replace(
        LeaseOwner.this(), pid=child.pid, start_time=Path(f"/proc/{child.pid}/stat").read_text().split()[21]
    )
    assert not holder.is_gone
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert holder.is_gone
    child.communicate()


def test_a_lease_that_an_earlier_version_wrote_is_read() -> None:
    claim = LeaseRecord(token=1, holder=OTHER, until=NOON, since=NOON)
    written = json.loads(claim.describe())
    assert LeaseRecord.parsed(json.dumps(written)) == claim
    del written["since"]
    assert LeaseRecord.parsed(json.dumps(written)) == replace(claim, since=None)


def take_at(store: Store, now: datetime) -> None:
    with opened(store.location) as engine:
        take(engine, 1, "s", lambda: now)  # the first study of the database


def starts(store: Store) -> list[datetime | None]:
    return [trial.started for trial in store.read("s")[1]]


def begin(store: Store, at: datetime) -> None:
    """Store a running trial, one that is over and one that another program has enqueued, as a run would."""
    naive = at.replace(tzinfo=None)
    with store.holding("s") as writer:
        over = replace(running(1), started=naive, state=TrialState.FAIL, finished=naive)
        writer.begin([replace(running(0), started=naive), over, replace(running(2), state=TrialState.WAITING)])


def test_the_time_that_a_killed_study_lay_dead_is_not_its_trials_time(store: Store) -> None:
    begin(store, NOON)
    heard = NOON + timedelta(minutes=3)
    replaced(store, LeaseRecord(token=7, holder=OTHER, until=heard + LASTS, since=NOON))
    take_at(store, heard + timedelta(hours=9))
    moved = (NOON + timedelta(hours=9)).replace(tzinfo=None)
    assert starts(store) == [moved, NOON.replace(tzinfo=None), None]


def test_the_time_from_a_run_that_was_stopped_to_the_next_one_is_not_its_trials_time_either(store: Store) -> None:
    begin(store, NOON)
    stopped = NOON + timedelta(hours=1)
    held = LeaseRecord(token=7, holder=OTHER, until=NOON, since=NOON)
    replaced(store, held)
    with opened(store.location) as engine, Lease(engine, 1, held, lambda: stopped).kept():
        pass
    take_at(store, stopped + timedelta(hours=2))
    assert starts(store)[0] == (NOON + timedelta(hours=2)).replace(tzinfo=None)


def test_a_trial_that_began_after_the_last_run_keeps_its_start(store: Store) -> None:
    begin(store, NOON)
    replaced(store, LeaseRecord(token=7, holder=OTHER, until=NOON - timedelta(hours=1), since=NOON))
    take_at(store, NOON + timedelta(hours=9))
    assert starts(store)[0] == NOON.replace(tzinfo=None)
