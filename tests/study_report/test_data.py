"""What a report is written from, read from a stored study."""

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tuner
from tuner.storage.store import open_store
from tuner.study_report.data import gather


@pytest.fixture
def study(user_folder: Path) -> Iterator[tuner.Study]:
    yield tuner.run("mine.toml", executor="inline", trials=3, epochs=2, storage="kept.db")
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def test_a_study_remembers_what_it_ran_on(study: tuner.Study) -> None:
    made = gather(open_store("kept.db"), "mine")
    assert made.is_own_environment
    assert made.environment["python"] == platform.python_version()


def test_it_is_all_that_is_known_of_the_study(study: tuner.Study) -> None:
    made = gather(open_store("kept.db"), "mine")
    assert made.trials == study.trials
    assert (made.metric, made.direction, made.max_epochs) == (study.metric, study.direction, 2)
    assert made.summary == study.summary


def test_a_command_finds_a_study_that_is_kept_elsewhere(study: tuner.Study, user_folder: Path) -> None:
    made = gather(open_store("kept.db"), "mine")
    assert made.command("best") == f"tuner best mine --storage {user_folder / 'kept.db'}"
