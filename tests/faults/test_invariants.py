"""The invariants that are checked after a fault fail where one of them does not hold."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from faults.invariants import check_stored

import tuner
from tuner import Float, SearchSpace, StudySpec, Trial
from tuner.storage.lease import KEY, LeaseOwner, LeaseRecord, utc_now


def train(trial: Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"]}


@pytest.fixture
def database(workplace: Path) -> Path:
    """A study of one trial that has come to its end."""
    spec = StudySpec(
        objective=train,
        search_space=SearchSpace(x=Float(0, 1)),
        metric="score",
        direction="maximize",
        name="faulty",
        budget=tuner.Budget(trials=1, epochs=1),
        executor="inline",
    )
    tuner.run(spec)
    check_stored(workplace)
    return workplace / ".tuner" / "studies.db"


def changed(database: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(database) as connection:
        assert connection.execute(statement, values).rowcount == 1


def test_a_trial_is_not_running_after_its_run_has_given_the_study_back(database: Path, workplace: Path) -> None:
    changed(database, "update trials set state = 'RUNNING'")
    with pytest.raises(AssertionError, match="I3"):
        check_stored(workplace)


def test_a_trial_is_running_in_a_process_that_lives(database: Path, workplace: Path) -> None:
    changed(database, "update trials set state = 'RUNNING'")
    until = utc_now() + timedelta(hours=1)
    lease(database, LeaseRecord(token=2, holder=LeaseOwner.this(), until=until))
    check_stored(workplace)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lease(
        database, LeaseRecord(token=3, holder=LeaseOwner(host="elsewhere", pid=ended.pid, start_time="1"), until=until)
    )
    with pytest.raises(AssertionError, match="I3"):
        check_stored(workplace)


def lease(database: Path, claim: LeaseRecord) -> None:
    changed(database, f"update study_system_attributes set value_json = ? where key = '{KEY}'", claim.describe())
