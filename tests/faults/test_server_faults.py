"""Rows 13 and 14, and 2 and 7 on servers: PostgreSQL and MariaDB that are killed and restarted under a study."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.invariants import check_finished, trained
from faults.processes import TARGET, start, wait_for_line, wait_until_trained
from servers import KINDS, Server, running

import tuner

Cli = Callable[..., tuple[int, str, str]]
Servers = Callable[[str], Server]


@pytest.fixture
def folder(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRAINED", str(user_folder / "trained.txt"))
    yield user_folder
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("faulty", None)


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One that no other test has: these kill it."""
    with running(KINDS[request.param]) as own:
        yield own


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_a_server_that_is_restarted_under_a_study_costs_waiting_and_no_result(
    server: Server, ending: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.database()
    monkeypatch.setenv("TUNER_STORAGE", url)
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.1)
    assert wait_until_trained(folder, 4, process)
    getattr(server, ending)()
    try:
        told = wait_for_line(process, "waiting for the storage")
    finally:
        server.start()
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 0, told + rest
    assert "the storage is back" in rest
    check_finished(folder, TARGET, storage=url)
    assert set(trained(folder).values()) == {1}, "nothing was trained twice"


def test_a_study_on_a_server_is_run_by_one_driver_killed_resumed_and_confirmed(
    server: Server, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.database()
    monkeypatch.setenv("TUNER_STORAGE", url)
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.05)
    assert wait_until_trained(folder, 10, process)
    code, _, errors = cli("resume", "faulty", "--executor", "inline")
    assert code == 5, errors
    assert f"study 'faulty' runs already, in process {process.pid} on " in errors
    process.kill()
    process.communicate()
    code, _, errors = cli("resume", "faulty", "--executor", "inline")
    assert code == 0, errors
    study = check_finished(folder, TARGET, storage=url)
    assert sum(times - 1 for times in trained(folder).values()) <= 6, "what was not yet reported, and no more"
    study.confirm(top=2, seeds=2)
    assert study.confirmation is not None
    assert sorted(path.name.rpartition("-")[0] for path in (folder / ".tuner" / "checkpoints").iterdir()) == [
        "faulty",
        "faulty-confirm",
    ]


def test_a_study_on_a_server_goes_on_from_another_folder_with_its_checkpoints(
    servers: Servers, folder: Path, tmp_path_factory: pytest.TempPathFactory, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = servers("postgresql").database()
    monkeypatch.setenv("TUNER_STORAGE", url)
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.2)
    assert wait_until_trained(folder, 6, process)
    process.terminate()
    process.communicate()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, _, errors = cli("resume", "faulty", "--trust", "--executor", "inline")
    assert code == 0, errors
    assert "begin" not in errors
    check_finished(folder, TARGET, storage=url)
    assert list(Path.cwd().iterdir()) == []


def test_a_study_on_a_server_says_before_it_goes_on_which_trials_begin_anew_without_their_checkpoints(
    servers: Servers, folder: Path, tmp_path_factory: pytest.TempPathFactory, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_STORAGE", servers("postgresql").database())
    process = start("run", "faulty.toml", "--executor", "inline", pause=0.2)
    assert wait_until_trained(folder, 6, process)
    process.terminate()
    process.communicate()
    unfinished = [each.number for each in tuner.load_study("faulty").trials if not each.state.is_finished]
    (folder / ".tuner").rename(folder / "lost")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    code, _, errors = cli("resume", "faulty", "--trust", "--executor", "inline")
    assert code == 0, errors
    assert len(unfinished) == 1
    said = " ".join(errors.split())
    assert f"trial {unfinished[0]} begins anew: there is no checkpoint to continue from in {elsewhere}/.tuner" in said
    assert f"it was run in {folder}/.tuner on " in said
