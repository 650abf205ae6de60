"""Rows 7 to 12 and 25: other drivers, and databases that are locked, full, damaged, or somebody else's."""

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import PROGRAM, TEMPLATE
from faults.invariants import check_finished
from faults.processes import TARGET, start, wait_for_line, wait_until_trained
from faults.together import CREATING, HOLDING, create
from servers import KINDS, Server

from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRAINED", str(user_folder / "trained.txt"))
    yield user_folder
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("faulty", None)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    connection = sqlite3.connect(folder / ".tuner" / "studies.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_second_driver_is_refused_with_who_holds_the_study(folder: Path, cli: Cli) -> None:
    first = start("run", "faulty.toml", "--executor", "inline", pause=0.05)
    told = wait_for_line(first, "[1/12]")
    code, _, errors = cli("resume", "faulty", "--executor", "inline")
    assert code == 5
    assert f"study 'faulty' runs already, in process {first.pid} on " in errors
    assert "Traceback" not in errors
    _, rest = first.communicate()
    assert first.returncode == 0, told + rest
    check_finished(folder, TARGET)


def test_two_drivers_that_start_together_make_one_study(folder: Path) -> None:
    both = [start("run", "faulty.toml", "--executor", "inline", pause=0.02) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert sorted(process.wait() for process in both) == [0, 2], told
    check_finished(folder, TARGET)


def test_six_processes_make_new_databases_together(tmp_path: Path, servers: Callable[[str], Server]) -> None:
    locations = [str(tmp_path / f"studies{number}.db") for number in range(4)]
    locations += [servers(kind).database() for kind in KINDS for _ in range(2)]
    names = [f"study{number}" for number in range(6)]
    created = TEMPLATE.run(",".join(names), *locations, main=CREATING)
    assert created.returncode == 0, created.stderr
    for location in locations:
        store = open_store(location)
        assert sorted(store.names) == names
        store.close()


def test_of_processes_that_ask_at_once_one_holds_the_study(storage: str) -> None:
    create(storage, "s")
    held = TEMPLATE.run(storage, main=HOLDING)
    assert held.returncode == 0, held.stderr
    store = open_store(storage)
    claim = store.claim("s")
    store.close()
    assert claim is not None
    assert claim.token == 20, "one of four got it, each time"


def test_a_lock_that_somebody_holds_costs_waiting_and_is_told(folder: Path) -> None:
    process = start("run", "faulty.toml", "--executor", "inline", "--trials", "2", pause=0.3)
    assert wait_until_trained(folder, 4, process)
    with locked(folder):
        wait_for_line(process, "waiting for the storage")
        (kept,) = (folder / ".tuner" / "spilled").glob("faulty-*.jsonl")
        assert kept.read_text().strip(), "the result was kept before anything else"
    told = wait_for_line(process, "the storage is back")
    _, rest = process.communicate()
    assert process.returncode == 0, told + rest
    check_finished(folder, 2)


def test_results_that_were_kept_in_a_file_are_stored_by_the_next_run(folder: Path, cli: Cli) -> None:
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.3)
    assert wait_until_trained(folder, 4, process)
    with locked(folder):
        wait_for_line(process, "waiting for the storage")
        process.kill()
        process.communicate()
    code, _, errors = cli("resume", "faulty", "--executor", "inline")
    assert code == 0, errors
    assert "recovered: 1 report" in errors
    check_finished(folder, TARGET)


def test_a_full_database_ends_the_run_with_what_to_do_and_loses_nothing(folder: Path, cli: Cli) -> None:
    assert cli("run", "faulty.toml", "--executor", "inline", "--trials", "4")[0] == 0
    database = folder / ".tuner" / "studies.db"
    (folder / "small.py").write_text(
        "import sys; from sqlalchemy import event; from sqlalchemy.engine import Engine\n"
        "from tuner.cli.__main__ import main\n"
        "def limit(connection, _):\n"
        "    pages = connection.execute('pragma page_count').fetchone()[0]\n"
        "    connection.execute(f'pragma max_page_count = {pages + 2}')\n"
        "event.listen(Engine, 'connect', limit)\n"
        "sys.argv = ['tuner', 'resume', 'faulty', '--executor', 'inline', '--trials', '400']; main()\n"
    )
    process = TEMPLATE.start("small.py", main=PROGRAM)
    told = wait_for_line(process, "waiting for the storage")
    assert "full" in told
    assert str(database) in told
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 4, errors
    assert "Traceback" not in errors
    assert "resum" in errors
    code, _, errors = cli("resume", "faulty", "--executor", "inline", "--trials", "40")
    assert code == 0, errors
    study = check_finished(folder, len(open_store(None).read("faulty")[1]))
    assert len(study.trials) >= 40


@pytest.mark.parametrize("damage", ["header", "cut", "text", "folder"])
def test_a_damaged_database_is_told_with_its_path(damage: str, folder: Path, cli: Cli) -> None:
    assert cli("run", "faulty.toml", "--executor", "inline", "--trials", "2")[0] == 0
    database = folder / ".tuner" / "studies.db"
    for beside in database.parent.glob("studies.db-*"):
        beside.unlink()
    content = database.read_bytes()
    if damage == "header":
        database.write_bytes(b"\0" * 100 + content[100:])
    elif damage == "cut":
        database.write_bytes(content[: len(content) // 3])
    elif damage == "text":
        database.write_text("these are no studies\n" * 100)
    else:
        database.unlink()
        database.mkdir()
    for words in (("status", "faulty"), ("resume", "faulty"), ("list",)):
        code, _, errors = cli(*words)
        assert code == 4, (words, errors)
        assert str(database) in errors
        assert "Traceback" not in errors


def test_a_schema_of_another_version_of_optuna_is_refused_and_left_alone(folder: Path, cli: Cli) -> None:
    assert cli("run", "faulty.toml", "--executor", "inline", "--trials", "2")[0] == 0
    database = folder / ".tuner" / "studies.db"
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = 'v9.9.9'")
    code, _, errors = cli("resume", "faulty")
    assert code == 4
    assert "v9.9.9" in errors
    assert "Traceback" not in errors


def test_threads_that_read_while_a_study_is_written_disturb_nobody(folder: Path, cli: Cli) -> None:
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.01)
    wait_for_line(process, "[1/12]")
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while process.poll() is None:
                open_store(None).read("faulty")
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    _, errors = process.communicate()
    for reader in readers:
        reader.join()
    assert failures == []
    assert process.returncode == 0, errors
    check_finished(folder, TARGET)
