"""What is found wrong with a storage, and what mending makes of it."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import optuna
import pytest
import torch
from fakes import MAXIMIZED, metrics
from places import checkpoints_of, spill_of

from tuner import Float, SearchSpace
from tuner.doctor import Finding, Severity, examine, mend
from tuner.domain.errors import StudyNotFoundError
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.objectives.training.checkpoints import save
from tuner.running.session import now
from tuner.storage.backup import make_backup
from tuner.storage.lease import LeaseOwner, LeaseRecord, utc_now
from tuner.storage.location import DEFAULT
from tuner.storage.store import Store, open_store

SPACE = SearchSpace(x=Float(0, 1))
PROBLEM, NOTE = Severity.PROBLEM, Severity.NOTE


@pytest.fixture
def store(workplace: Path) -> Iterator[Store]:
    """A store at the usual place, with a study `s` of three complete trials."""
    opened = open_store(None)
    fill(opened, "s", 3)
    yield opened
    opened.close()


def fill(store: Store, name: str, complete: int, running: int = 0) -> None:
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=SPACE, spec={}, source={}))
    with store.holding(name) as writer:
        for number in range(complete + running):
            begun = TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default, started=now())
            writer.begin([begun])
            if number < complete:
                ended = replace(begun, state=TrialState.COMPLETE, value=0.5, epoch=1, finished=now())
                report = Report(number=number, epoch=1, metrics=metrics(0.5))
                writer.write([TrialUpdate(trial=ended, report=report)])


def checkpoint(store: Store, number: int, epoch: int, name: str = "s") -> Path:
    folder = checkpoints_of(store, name) / f"trial-{number:05d}"
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder.parent.parent, folder):
        each.chmod(0o700)
    file = folder / f"epoch-{epoch:06d}.safetensors"
    save({"weights": torch.ones(64), "epoch": epoch}, file)
    return file


def cut(file: Path, size: int = 100) -> None:
    file.write_bytes(file.read_bytes()[:size])


def sql(store: Store, *statements: str) -> None:
    with closing(sqlite3.connect(file_of(store))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def file_of(store: Store) -> Path:
    assert store.location.file is not None
    return store.location.file


def settled(store: Store) -> bytes:
    """Return the content of the database's file, with the log in it and not beside it any more."""
    store.close()
    sql(store, "PRAGMA user_version")
    with closing(sqlite3.connect(file_of(store))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file_of(store).read_bytes()


def problems(store: Store, name: str | None = None) -> list[Finding]:
    return [finding for finding in examine(store, name) if finding.severity is PROBLEM]


def only_problem(store: Store) -> Finding:
    (problem,) = problems(store)
    return problem


def said(store: Store, words: str) -> Finding:
    (finding,) = [finding for finding in examine(store) if words in finding.what]
    return finding


def states(store: Store, name: str = "s") -> list[TrialState]:
    return [trial.state for trial in store.read(name)[1]]


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and content of all files and folders, but for SQLite's log, which any reader makes anew."""
    return {
        str(path): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if not path.name.endswith(("-wal", "-shm"))
    }


@contextmanager
def held_elsewhere(store: Store, name: str = "s") -> Iterator[int]:
    """Let another process hold the study; gives its number."""
    code = (
        "import sys; from tuner.storage.store import open_store\n"
        "with open_store(sys.argv[1]).holding(sys.argv[2]): print(flush=True), sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(store.location.file), name]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_a_sound_study_has_no_problem(store: Store) -> None:
    checkpoint(store, number=1, epoch=1)
    findings = examine(store)
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert [finding.what for finding in findings][:4] == [
        "the database is sound",
        "3 trials, no process runs it",
        "1 checkpoint can be loaded",
        "only its owner can read it",
    ]


def test_a_place_without_a_database_is_told_and_left_as_it_is(workplace: Path) -> None:
    store = open_store(None)
    assert said(store, "there is no database yet").severity is NOTE
    assert mend(store) == ()
    assert not list(workplace.iterdir())


def test_an_unknown_study_is_refused(store: Store) -> None:
    for act in (examine, mend):
        with pytest.raises(StudyNotFoundError, match="no study 'z'"):
            act(store, "z")


def test_an_unknown_study_is_refused_where_there_is_no_database(workplace: Path) -> None:
    with pytest.raises(StudyNotFoundError):
        examine(open_store(None), "s")


def test_one_study_can_be_asked_for(store: Store) -> None:
    fill(store, "stuck", complete=0, running=1)
    assert problems(store, "s") == []
    assert len(problems(store, "stuck")) == 1
    assert len(problems(store)) == 1


def test_what_is_no_database_any_more_is_told_with_the_way_back(store: Store) -> None:
    newest = make_backup(file_of(store))
    settled(store)
    file_of(store).write_bytes(b"no database at all" * 1000)
    problem = only_problem(store)
    assert problem.what == "the database cannot be read: file is not a database"
    assert problem.fix == ""
    subprocess.run(["/bin/sh", "-c", problem.advice.splitlines()[-1]], check=True)
    assert newest.file.name in problem.advice
    assert problems(store) == []
    assert len(store.read("s")[1]) == 3


def test_damaged_pages_are_told(store: Store) -> None:
    content = bytearray(settled(store))
    content[4096 * 3 :] = b"\xa5" * len(content[4096 * 3 :])
    file_of(store).write_bytes(bytes(content))
    told = problems(store)
    assert any("the database" in problem.what for problem in told)
    assert any("no backup to go back to" in problem.advice for problem in told)


def test_a_cut_database_is_told(store: Store) -> None:
    cut_to = len(settled(store)) // 2
    cut(file_of(store), cut_to)
    assert any(problem.where == str(file_of(store)) for problem in problems(store))


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_database_that_is_gone_is_told_with_the_way_back(left: str, store: Store) -> None:
    make_backup(file_of(store))
    settled(store)
    file_of(store).unlink()
    if left == "an empty file":
        file_of(store).touch(mode=0o600)
    problem = only_problem(store)
    assert problem.what == "the database is gone, its backups are not"
    assert only_problem(store) == next(each for each in examine(store, "s") if each.severity is PROBLEM)
    subprocess.run(["/bin/sh", "-c", problem.advice.splitlines()[-1]], check=True)
    assert store.names == ("s",)


def test_rows_that_belong_to_nothing_are_told(store: Store) -> None:
    sql(store, "INSERT INTO trial_params (trial_id, param_name) VALUES (99, 'x'), (99, 'y')")
    assert only_problem(store).what == "the database is damaged: 2 rows of trial_params belong to nothing"


def test_a_schema_of_another_version_is_told_with_what_to_do(store: Store) -> None:
    sql(store, "UPDATE alembic_version SET version_num = 'v9.9.9'")
    problem = only_problem(store)
    assert problem.what.startswith("the storage has Optuna's schema v9.9.9")
    assert "optuna storage upgrade" in problem.advice


def test_a_study_that_cannot_be_read_does_not_hide_the_others(store: Store) -> None:
    fill(store, "stuck", complete=0, running=1)
    sql(store, "UPDATE trials SET state = 'ASLEEP' WHERE study_id = 1 AND number = 1")
    first, second = problems(store)
    assert (first.where, first.what) == (
        "s",
        "the study cannot be read: trial 1 of study 's' cannot be read: ValueError: 'ASLEEP' is not a valid TrialState",
    )
    assert second.where == "stuck"


def test_running_trials_of_a_study_that_nobody_runs_are_made_to_wait(store: Store) -> None:
    fill(store, "stuck", complete=1, running=2)
    problem = only_problem(store)
    assert (problem.what, problem.where) == ("trials 1, 2 are RUNNING, but no process runs the study", "stuck")
    assert mend(store) == (problem,)
    assert states(store, "stuck") == [TrialState.COMPLETE, TrialState.WAITING, TrialState.WAITING]
    assert problems(store) == []
    claim = store.claim("stuck")
    assert claim is not None
    assert claim.until is None, "the study was given back"


def test_a_process_that_died_with_its_trials_is_noticed_at_once(store: Store) -> None:
    with held_elsewhere(store) as pid:
        sql(store, "UPDATE trials SET state = 'RUNNING', datetime_complete = NULL WHERE number = 2")
        os.kill(pid, 9)
    assert only_problem(store).what == "trial 2 is RUNNING, but no process runs the study"


def test_a_holder_that_died_without_trials_is_only_noted(store: Store) -> None:
    with held_elsewhere(store) as pid:
        os.kill(pid, 9)
    assert said(store, f"process {pid} on ").severity is NOTE


def test_a_study_that_another_process_runs_is_left_alone(store: Store) -> None:
    sql(store, "UPDATE trials SET state = 'RUNNING', datetime_complete = NULL WHERE number = 2")
    sql(store, "DELETE FROM trial_values WHERE trial_id = 3")
    checkpoint(store, number=7, epoch=1)
    checkpoint(store, number=2, epoch=1)
    newest = checkpoint(store, number=2, epoch=2)
    cut(newest)
    half = newest.with_name("epoch-000003.safetensors.1.partial")
    half.touch()
    spill_of(store, "s").keep([TrialUpdate(trial=store.read("s")[1][2])])
    before = everything(store.location.folder)
    with held_elsewhere(store) as pid:
        assert f"1 of them RUNNING in process {pid} on " in said(store, "3 trials").what
        assert said(store, "1 result waits to be stored").severity is NOTE
        assert [finding.fix for finding in problems(store)] == [""]
        assert mend(store) == ()
        assert set(everything(store.location.folder)) == set(before)
    assert states(store)[2] is TrialState.RUNNING


def test_a_lease_of_another_machine_is_respected(store: Store) -> None:
    fill(store, "stuck", complete=0, running=1)
    holder = LeaseOwner(host="another.host", pid=1, start_time="1")
    claim = LeaseRecord(token=9, holder=holder, until=utc_now() + timedelta(seconds=20))
    with closing(sqlite3.connect(file_of(store))) as connection:
        changed = "UPDATE study_system_attributes SET value_json = ? WHERE key = 'tuner:lease' AND study_id = 2"
        connection.execute(changed, [claim.describe()])
        connection.commit()
    assert problems(store) == []
    assert mend(store) == ()
    assert states(store, "stuck") == [TrialState.RUNNING]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE trials SET number = 1 WHERE number = 2", "trial 1 is stored more than once"),
        ("UPDATE trials SET number = 4 WHERE number = 1", "trials 1, 3 are missing, though there are later ones"),
        ("UPDATE trials SET datetime_complete = NULL WHERE number > 0", "trials 1, 2 are finished without a time"),
        ("DELETE FROM trial_values WHERE trial_id = 1", "trial 0 is COMPLETE without a value"),
    ],
)
def test_trials_that_cannot_be_are_told_and_not_guessed_at(statement: str, what: str, store: Store) -> None:
    sql(store, statement)
    problem = only_problem(store)
    assert (problem.what, problem.where, problem.fix) == (what, "s", "")
    assert mend(store) == ()


def test_a_damaged_checkpoint_goes_where_the_trial_has_an_older_one(store: Store) -> None:
    older, newer = checkpoint(store, number=1, epoch=1), checkpoint(store, number=1, epoch=2)
    cut(newer)
    problem = only_problem(store)
    assert (problem.where, problem.fix) == (str(newer), "delete")
    mend(store)
    assert problems(store) == []
    assert (older.exists(), newer.exists()) == (True, False)


@pytest.mark.parametrize("size", [0, 4, 100])
def test_a_damaged_checkpoint_stays_where_the_trial_has_no_older_one(size: int, store: Store) -> None:
    oldest = checkpoint(store, number=1, epoch=1)
    checkpoint(store, number=1, epoch=2)
    checkpoint(store, number=0, epoch=1)
    cut(oldest, size)
    problem = only_problem(store)
    assert (problem.where, problem.fix) == (str(oldest), "")
    assert mend(store) == ()
    assert oldest.exists()
    subprocess.run(["/bin/sh", "-c", problem.advice.partition(": ")[2]], check=True)
    assert problems(store) == []


def test_a_damaged_training_on_all_rows_goes_and_stands_in_for_no_checkpoint(store: Store) -> None:
    weights = checkpoint(store, number=1, epoch=2)
    on_all_rows = weights.with_name("all-rows-000002.safetensors")
    on_all_rows.write_bytes(weights.read_bytes())
    assert any("2 checkpoints can be loaded" in each.what for each in examine(store))
    content = weights.read_bytes()
    cut(weights)
    assert (only_problem(store).where, only_problem(store).fix) == (str(weights), "")
    weights.write_bytes(content)
    cut(on_all_rows)
    assert (only_problem(store).where, only_problem(store).fix) == (str(on_all_rows), "delete")
    mend(store)
    assert problems(store) == []
    assert (weights.exists(), on_all_rows.exists()) == (True, False)


def test_a_flipped_bit_in_the_weights_is_found(store: Store) -> None:
    file = checkpoint(store, number=1, epoch=1)
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(bytes(content))
    assert "damaged" in only_problem(store).what


def test_checkpoints_that_nobody_needs_are_deleted(store: Store) -> None:
    kept = checkpoint(store, number=1, epoch=1)
    stray = checkpoint(store, number=3, epoch=1)
    half = kept.with_name("epoch-000002.safetensors.1.partial")
    hidden = kept.with_name(".taken-over.partial")
    for each in (half, hidden):
        each.touch()
    assert [problem.what for problem in problems(store)] == [
        "1 checkpoint folder of trials that the study does not have",
        "2 checkpoints half written by a process that died",
    ]
    assert len(mend(store)) == 2
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert not stray.parent.exists()
    assert problems(store) == []


def test_folders_of_frameworks_are_counted_and_not_read(store: Store) -> None:
    checkpoint(store, number=1, epoch=1)
    folder = checkpoints_of(store, "s") / "trial-00001" / "epoch-000002"
    folder.mkdir(mode=0o700)
    (folder / "theirs.pt").touch(mode=0o600)
    half = folder.with_name(".epoch-000003.abc.partial")
    half.mkdir()
    assert [problem.what for problem in problems(store)] == ["1 checkpoint half written by a process that died"]
    mend(store)
    assert not half.exists()
    assert (folder / "theirs.pt").exists()
    assert said(store, "1 checkpoint in a framework's own files, which were not read").severity is Severity.OK


def test_checkpoints_that_another_database_of_the_folder_may_need_stay(store: Store) -> None:
    sql(store, "DELETE FROM study_user_attributes WHERE key = 'tuner:id'")  # of an earlier version's
    stray = checkpoint(store, number=3, epoch=1)
    other = open_store(str(file_of(store).with_name("other.db")))
    fill(other, "s", 4)
    other.close()
    assert said(store, "of trials that the study does not have").severity is NOTE
    assert mend(store) == ()
    assert stray.exists()


def test_checkpoints_stay_while_results_wait_to_be_stored(store: Store) -> None:
    stray = checkpoint(store, number=3, epoch=1)
    spill_of(store, "s").keep([TrialUpdate(trial=store.read("s")[1][0])])
    mend(store)
    assert stray.exists()


def test_links_among_the_checkpoints_lead_nowhere(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    precious = outside / "trial-00077" / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    places = (precious, precious.parent, outside)
    for place in places:
        place.chmod(0o755)
    fill(store, "t", 0)
    own = checkpoint(store, number=1, epoch=1)
    (own.parent.parent / "trial-00077").symlink_to(precious.parent)
    (own.parent.parent.parent / "t").symlink_to(outside)
    for folder in list(own.parents)[:4]:
        folder.chmod(0o755)
    assert not any("does not have" in problem.what for problem in problems(store))
    mend(store)
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o755] * 3
    assert problems(store) == []


def test_a_name_that_leads_out_of_the_folder_is_not_followed(store: Store) -> None:
    victim = store.location.folder / "trial-00042"
    victim.mkdir(mode=0o700)
    checkpoint(store, number=0, epoch=1)
    for name in ("..", "../../.tuner"):
        fill(store, name, 1)
    mend(store)
    assert victim.exists()


def test_results_that_wait_to_be_stored_are_told_with_the_command_that_stores_them(store: Store) -> None:
    trial = store.read("s")[1][0]
    spill_of(store, "s").keep([TrialUpdate(trial=trial), TrialUpdate(trial=trial)])
    problem = only_problem(store)
    assert problem.what == "2 results wait to be stored"
    assert problem.advice == "store them and continue with: tuner resume s"


def test_a_command_for_another_place_says_the_place(workplace: Path) -> None:
    store = open_store(str(workplace / "my studies.db"))
    fill(store, "s", 1)
    spill_of(store, "s").keep([TrialUpdate(trial=store.read("s")[1][0])])
    assert only_problem(store).advice.endswith(f"tuner resume s --storage '{workplace}/my studies.db'")
    store.close()


def test_late_results_are_noted(store: Store) -> None:
    spill_of(store, "s").keep_late([TrialUpdate(trial=store.read("s")[1][0])])
    assert said(store, "too late to count").severity is NOTE


def test_kept_results_that_make_no_sense_are_told(store: Store) -> None:
    spill = spill_of(store, "s")
    spill.keep([TrialUpdate(trial=store.read("s")[1][0])])
    spill.file.write_text(json.dumps([{"number": 1}]))
    assert "cannot be read" in only_problem(store).what


def test_what_others_can_read_is_closed_to_them(store: Store) -> None:
    file = checkpoint(store, number=1, epoch=1)
    root = store.location.folder
    for path, mode in ((root, 0o755), (file_of(store), 0o644), (root / "checkpoints", 0o755)):
        path.chmod(mode)
    for folder in (file.parent, file.parent.parent):
        folder.chmod(0o750)
    file.chmod(0o640)
    assert "others can read" in only_problem(store).what
    mend(store)
    assert problems(store) == []
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_folders_of_others_are_left_as_they_are(workplace: Path) -> None:
    shared = workplace / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "readme").touch(mode=0o644)
    store = open_store(str(shared / "studies.db"))
    fill(store, "s", 1)
    file = checkpoint(store, number=0, epoch=1)
    (shared / "checkpoints").chmod(0o755)
    assert said(store, "others can look into 1 folder").severity is NOTE
    mend(store)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (shared, shared / "readme", shared / "checkpoints", file)]
    assert modes == [0o755, 0o644, 0o700, 0o600]
    store.close()


def test_a_study_that_plain_optuna_made_is_looked_at_and_never_changed(workplace: Path) -> None:
    file = workplace / "optuna.db"
    study = optuna.create_study(storage=f"sqlite:///{file}", study_name="theirs")
    study.ask()
    file.chmod(0o644)
    store = open_store(str(file))
    finding = said(store, "Optuna does not store who runs them")
    assert (finding.severity, finding.fix) == (NOTE, "")
    assert mend(store) == ()
    assert problems(store) == []
    assert (states(store, "theirs"), store.claim("theirs")) == ([TrialState.RUNNING], None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    store.close()


def test_looking_writes_nothing(store: Store) -> None:
    fill(store, "stuck", complete=0, running=1)
    checkpoint(store, number=9, epoch=1)
    cut(checkpoint(store, number=0, epoch=1))
    spill_of(store, "s").keep([TrialUpdate(trial=store.read("s")[1][0])])
    settled(store)
    before = everything(store.location.folder)
    assert len(problems(store)) >= 3
    settled(store)
    assert everything(store.location.folder) == before


def test_backups_are_listed(store: Store) -> None:
    assert said(store, "no backup yet").severity is Severity.OK
    backup = make_backup(file_of(store))
    assert said(store, "backup of ").where == str(backup.file)


def test_versions_are_told_without_importing_anything(store: Store) -> None:
    code = (
        "import sys; from tuner.doctor import examine; from tuner.storage.store import open_store\n"
        "print(examine(open_store(None))[-1].what)\n"
        "print([name for name in ('torch', 'ray', 'optuna') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    versions, imported = told.splitlines()
    assert f"optuna {optuna.__version__}" in versions
    assert "Python " in versions
    assert imported == "[]"


def test_little_free_space_is_noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - a full disk is the one thing not made for real
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - 2**29, 2**29))
    assert said(store, "only 0.5 GiB are free").severity is NOTE


def test_the_usual_place_is_the_one_whose_folder_is_ours(store: Store) -> None:
    assert file_of(store) == Path(DEFAULT).absolute()
    store.location.folder.chmod(0o755)
    assert only_problem(store).what == "others can read 1 folder"
