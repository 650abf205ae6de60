"""Copies of a database, and the way back to one."""

import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import MAXIMIZED

from tuner import Float, SearchSpace
from tuner.domain.event import Event, EventKind
from tuner.domain.new_study import NewStudy
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.backup import Backup, Backups, backups_of, make_backup, restoring
from tuner.storage.location import locate
from tuner.storage.store import Store, open_store

SPACE = SearchSpace(x=Float(0, 1))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FINISHED = TrialRecord(number=0, state=TrialState.COMPLETE, config=SPACE.default)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "with a space"
    folder.mkdir()
    return folder / "studies.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = open_store(str(file))
    create(opened, "first")
    yield opened
    opened.close()


def create(store: Store, name: str) -> None:
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=SPACE, spec={}, source={}))


def at(minutes: int) -> Callable[[], datetime]:
    return lambda: NOON + timedelta(minutes=minutes)


def studies_in(file: Path) -> tuple[str, ...]:
    opened = open_store(str(file))
    names = opened.names
    opened.close()
    return names


def damage(file: Path, kept: int = 4096) -> None:
    """Overwrite all but the first `kept` bytes, as a bad disk would, and leave no log that has them."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = file.read_bytes()
    file.write_bytes(content[:kept] + b"\xa5" * (len(content) - kept))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_a_whole_private_copy_beside_the_database(store: Store, file: Path) -> None:
    backup = make_backup(file, clock=at(0))
    assert backup.file == file.parent / "backups" / "studies-20260101T120000Z.db"
    assert (backup.made, backup.size) == (NOON, backup.file.stat().st_size)
    assert left_in(backup.file.parent) == [backup.file.name], "no log and no partial file is left beside it"
    assert stat.S_IMODE(backup.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.file.parent.stat().st_mode) == 0o700
    assert studies_in(backup.file) == ("first",)


def test_a_backup_stays_one_file_while_it_is_read(store: Store, file: Path) -> None:
    backup = make_backup(file)
    with closing(sqlite3.connect(f"{backup.file.as_uri()}?mode=ro", uri=True)) as reader:
        assert reader.execute("SELECT study_name FROM studies").fetchall() == [("first",)]
        assert left_in(backup.file.parent) == [backup.file.name]


def test_what_is_only_in_the_write_ahead_log_is_in_the_backup(store: Store, file: Path) -> None:
    assert file.with_name("studies.db-wal").stat().st_size > 0
    create(store, "second")
    assert studies_in(make_backup(file).file) == ("first", "second")


def test_a_backup_waits_for_no_writer(store: Store, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO studies (study_name) VALUES ('unfinished')")
        backup = make_backup(file)
        writer.execute("ROLLBACK")
    assert studies_in(backup.file) == ("first",)


def test_the_newest_three_are_kept_and_listed_newest_first(store: Store, file: Path) -> None:
    made = [make_backup(file, clock=at(minutes)) for minutes in range(5)]
    assert backups_of(file) == (made[4], made[3], made[2])


def test_the_backups_of_another_database_in_the_folder_are_not_ours(store: Store, file: Path) -> None:
    other = file.with_name("studies-of-others.db")
    theirs = open_store(str(other))
    create(theirs, "theirs")
    theirs.close()
    backup = make_backup(other, clock=at(0))
    for minutes in range(1, 6):
        make_backup(file, clock=at(minutes))
    (file.parent / "backups" / "studies-before-the-move.db").write_text("a person's")
    assert backups_of(other) == (backup,)
    assert len(backups_of(file)) == 3
    assert "studies-before-the-move.db" in left_in(file.parent / "backups")


@pytest.mark.parametrize("pages", ["all but the first", "the last one"])
def test_a_damaged_database_gets_no_backup_that_would_push_out_a_sound_one(
    pages: str, store: Store, file: Path
) -> None:
    sound = make_backup(file, clock=at(0), kept=1)
    store.close()
    damage(file, kept=4096 if pages == "all but the first" else sound.size - 4096)
    with pytest.raises(sqlite3.Error):
        make_backup(file, clock=at(1), kept=1)
    assert left_in(sound.file.parent) == [sound.file.name]
    assert studies_in(sound.file) == ("first",)


def test_no_backup_is_made_of_a_database_that_is_not_there(file: Path) -> None:
    with pytest.raises(sqlite3.Error):
        make_backup(file)
    assert not file.exists()
    assert backups_of(file) == ()


def test_a_copy_that_a_killed_process_left_goes_after_a_while(store: Store, file: Path) -> None:
    folder = make_backup(file, clock=at(0)).file.parent
    partial = folder / ".studies-20260101T110000Z.db.7.partial"
    partial.touch()
    touched = datetime.fromtimestamp(partial.stat().st_mtime, tz=UTC)
    make_backup(file, clock=lambda: touched + timedelta(minutes=59))
    assert partial.exists(), "another process may still be writing it"
    make_backup(file, clock=lambda: touched + timedelta(minutes=61))
    assert not partial.exists()


def test_the_command_of_a_backup_brings_its_studies_back_and_keeps_what_was_there(store: Store, file: Path) -> None:
    backup = make_backup(file)
    create(store, "later")
    log = file.with_name("studies.db-wal")
    newer = log.read_bytes()
    store.close()
    damage(file)
    log.write_bytes(newer)
    broken = file.read_bytes()
    restore(file, backup)
    assert studies_in(file) == ("first",), "the log of the damaged database was not applied to the copy"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (file.parent / "damaged" / "studies.db").read_bytes() == broken
    assert (file.parent / "damaged" / "studies.db-wal").read_bytes() == newer


def test_a_deleted_database_comes_back_too(store: Store, file: Path) -> None:
    backup = make_backup(file)
    store.close()
    file.unlink()
    file.with_name("studies.db-wal").write_bytes(b"of the deleted one")
    restore(file, backup)
    assert studies_in(file) == ("first",)


def restore(file: Path, backup: Backup) -> None:
    told = subprocess.run(["/bin/sh", "-c", restoring(file, backup)], check=True, capture_output=True, text=True)
    assert told.stderr == ""


def test_a_backup_is_made_after_so_many_finished_trials(store: Store, file: Path) -> None:
    backups = Backups(locate(str(file)), every=3)
    for kind in (EventKind.FINISHED, EventKind.REPORTED, EventKind.FINISHED):
        backups.notify(Event(kind=kind, trial=FINISHED))
    assert backups_of(file) == ()
    backups.notify(Event(kind=EventKind.FINISHED, trial=FINISHED))
    assert len(backups_of(file)) == 1


def test_trials_of_earlier_runs_count(store: Store, file: Path) -> None:
    Backups(locate(str(file)), 2, every=3).notify(Event(kind=EventKind.FINISHED, trial=FINISHED))
    assert len(backups_of(file)) == 1


def test_a_backup_that_cannot_be_made_does_not_end_the_study(store: Store, file: Path) -> None:
    (file.parent / "backups").write_text("no folder")
    Backups(locate(str(file)), every=1).notify(Event(kind=EventKind.FINISHED, trial=FINISHED))
    store.close()
    (file.parent / "backups").unlink()
    damage(file)
    Backups(locate(str(file)), every=1).notify(Event(kind=EventKind.FINISHED, trial=FINISHED))
    assert left_in(file.parent / "backups") == []


def test_a_database_on_a_server_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    backups = Backups(locate("postgresql+psycopg://host/studies"), every=1)
    backups.notify(Event(kind=EventKind.FINISHED, trial=FINISHED))
    assert left_in(tmp_path) == []
