"""The Ray of one run: its own, quiet, and gone afterwards."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray

from tuner.domain.errors import ConfigurationError
from tuner.domain.resources import Resources
from tuner.execution.ray import session
from tuner.execution.ray.session import ENVIRONMENT, new_run_folder, quiet_session
from tuner.system.hardware import cpu_count

OWN_RAY = """
import json, logging, os, signal, stat, threading, time
from pathlib import Path
from tuner.domain.study import Resources
from tuner.execution.ray.session import ENVIRONMENT, SET_BY_RAY, quiet_session

def listening(pids):
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.add(os.readlink(descriptor))
            except OSError:
                pass
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return sorted({f[1].partition(":")[0] for f in lines if f[3] == "0A" and f"socket:[{f[9]}]" in inodes})

def handler(*_):
    pass

def settings():
    mask = os.umask(0)
    os.umask(mask)
    names = [*ENVIRONMENT, *SET_BY_RAY, "RAY_AUTH_TOKEN", "TUNE_MAX_PENDING_TRIALS_PG"]
    levels = [logging.getLogger(name).level for name in ("ray", "ray.tune", "ray.air", "ray.train", "ray.data")]
    return {
        "mask": mask,
        "environment": {name: os.environ.get(name) for name in names},
        "levels": levels,
        "handler": signal.getsignal(signal.SIGTERM) is handler,
        "cwd": os.getcwd(),
        "caught": [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigIgn")],
    }

def catches(number):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)

def blocks(pid, number):
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk"))
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)

def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

def imports_ray(pid):
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name.startswith("python")
    except OSError:
        return False

def parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

def descendants():
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    parents = {pid: parent(pid) for pid in pids}
    found, latest = set(), {os.getpid()}
    while latest:
        latest = {pid for pid in pids if parents[pid] in latest}
        found |= latest
    return found

signal.signal(signal.SIGTERM, handler)
os.environ["RAY_DEDUP_LOGS"] = "mine"
before = settings()
with quiet_session(Resources(cpu=2), parallel=3) as session:
    session.wait()
    folder = session.folder
    import ray
    node = ray._private.worker.global_worker.node
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    started = descendants()
    facts = {
        "folder": str(folder),
        "session": node.get_session_dir_path(),
        "dashboard": node.webui_url,
        "cpus": ray.cluster_resources()["CPU"],
        "files": len(files),
        "modes": sorted({oct(stat.S_IMODE(path.stat().st_mode) & 0o077) for path in files}),
        "started": len(started),
        "that_import_ray": sum(imports_ray(pid) for pid in started),
        "listening": listening({os.getpid(), *started}),
        "folder_mode": stat.S_IMODE(folder.stat().st_mode),
        "token": os.environ["RAY_AUTH_TOKEN"],
        "pid": os.getpid(),
        "crash_handlers": [number for number in (signal.SIGSEGV, signal.SIGABRT) if catches(number)],
        "groups": [os.getpgid(each.process.pid) for kind in node.all_processes.values() for each in kind],
        "group": os.getpgid(0),
        "shielded": [
            blocks(each.process.pid, signal.SIGTERM) for kind in node.all_processes.values() for each in kind
        ],
    }
    received = []
    signal.signal(signal.SIGTERM, lambda *_: received.append(True))
    os.kill(os.getpid(), signal.SIGTERM)
    facts |= {"received": received, "alarm": signal.alarm(0)}
    signal.signal(signal.SIGTERM, handler)
deadline = time.monotonic() + 60  # what was killed takes a moment to go on a busy machine
while any(map(is_alive, started)) and time.monotonic() < deadline:
    time.sleep(0.01)
facts |= {
    "before": before,
    "after": settings(),
    "folder_is_left": folder.exists(),
    "is_initialized": ray.is_initialized(),
    "alive": [pid for pid in started if is_alive(pid)],
}

def again():
    with quiet_session(Resources(), parallel=1) as session:
        session.wait()
        facts["again"] = {"cpus": ray.cluster_resources()["CPU"], "token": os.environ["RAY_AUTH_TOKEN"]}

os.environ["RAY_AUTH_MODE"] = "disabled"
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
facts["between"] = ray.cluster_resources()["CPU"]
ray.shutdown()
thread = threading.Thread(target=again)
thread.start()
thread.join()
facts["mode_afterwards"] = os.environ["RAY_AUTH_MODE"]
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """What was seen of a Ray that was started for a run, and after that."""
    done = subprocess.run([sys.executable, "-c", OWN_RAY], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "stderr": done.stderr}


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for temporary files, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def test_nothing_listens_beyond_loopback(facts: dict[str, Any]) -> None:
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert facts["listening"]
    assert set(facts["listening"]) <= loopback


def test_nobody_else_gets_into_the_folder(facts: dict[str, Any]) -> None:
    assert facts["folder_mode"] == 0o700


def test_a_run_has_a_ray_of_its_own_in_a_folder_of_its_own(facts: dict[str, Any]) -> None:
    assert Path(facts["folder"]).name.startswith(f"tuner-ray-{facts['pid']}-")
    assert Path(facts["session"]).is_relative_to(facts["folder"])


def test_the_files_of_ray_are_for_their_owner_alone(facts: dict[str, Any]) -> None:
    assert facts["files"] > 0
    assert facts["modes"] == ["0o0"]


def test_as_many_processors_are_there_as_the_cohorts_ask_for(facts: dict[str, Any]) -> None:
    assert facts["cpus"] == max(cpu_count(), 6)


def test_no_more_processes_import_ray_than_cohorts_are_trained_at_a_time(facts: dict[str, Any]) -> None:
    assert facts["that_import_ray"] <= 3


def test_ray_serves_no_dashboard_and_has_a_token_of_its_own(facts: dict[str, Any]) -> None:
    assert facts["dashboard"] is None
    assert len(facts["token"]) == 64


def test_a_run_may_follow_another_run_and_a_ray_of_the_persons_own_in_any_thread(facts: dict[str, Any]) -> None:
    assert facts["between"] == 1
    assert facts["again"]["cpus"] == cpu_count()
    assert facts["again"]["token"] != facts["token"]
    assert facts["mode_afterwards"] == "disabled"


def test_a_signal_while_ray_runs_is_handled_by_who_handled_it_before(facts: dict[str, Any]) -> None:
    assert facts["received"] == [True]
    assert facts["alarm"] == 0
    assert facts["crash_handlers"] == []


def test_a_signal_to_the_drivers_process_group_or_to_everything_does_not_end_ray(facts: dict[str, Any]) -> None:
    assert facts["groups"]
    assert facts["group"] not in facts["groups"]
    assert set(facts["shielded"]) == {True}


def test_ray_says_nothing(facts: dict[str, Any]) -> None:
    assert facts["stderr"] == ""


def test_nothing_of_ray_is_left_after_the_run(facts: dict[str, Any]) -> None:
    assert facts["started"] > 0
    assert facts["alive"] == []
    assert not facts["is_initialized"]
    assert not facts["folder_is_left"]


def test_what_was_set_for_ray_is_set_back_after_the_run(facts: dict[str, Any]) -> None:
    assert facts["after"] == facts["before"]
    assert facts["after"]["environment"]["RAY_DEDUP_LOGS"] == "mine"
    assert facts["after"]["handler"]


@pytest.mark.usefixtures("ray_session")
def test_a_ray_that_is_there_is_used_and_left_running() -> None:
    address = ray.get_runtime_context().gcs_address
    with quiet_session(Resources(), parallel=1) as session:
        session.wait()
        folder = session.folder
        assert folder.is_dir()
        assert ray.get_runtime_context().gcs_address == address
        assert ENVIRONMENT.items() <= os.environ.items()
    assert ray.is_initialized()
    assert not folder.exists()


@pytest.mark.usefixtures("ray_session")
def test_a_run_beside_another_in_one_process_is_refused() -> None:
    second = quiet_session(Resources(), parallel=1)
    with quiet_session(Resources(), parallel=1), pytest.raises(ConfigurationError, match="another study is running"):
        second.__enter__()
    assert ray.is_initialized()


@pytest.mark.usefixtures("ray_session")
def test_an_error_in_a_run_leaves_nothing_behind_either() -> None:
    before = dict(os.environ), signal.getsignal(signal.SIGTERM), logging.getLogger("ray").level
    folders: list[Path] = []
    with suppress(KeyboardInterrupt), quiet_session(Resources(), parallel=1) as session:
        session.wait()
        folders.append(session.folder)
        raise KeyboardInterrupt
    assert not folders[0].exists()
    assert (dict(os.environ), signal.getsignal(signal.SIGTERM), logging.getLogger("ray").level) == before


def test_the_folder_of_a_run_is_made_for_its_owner_alone(root: Path) -> None:
    folder = new_run_folder().path
    assert folder.parent == root
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("length", [10, 40, 90])
def test_a_socket_of_ray_fits_wherever_temporary_files_are(
    length: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = root / ("l" * max(1, length - len(str(root)) - 1))
    below.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(below))
    run_folder = new_run_folder()
    folder = run_folder.path
    try:
        socket = folder / "r" / f"session_2026-01-01_00-00-00_000000_{os.getpid()}" / "sockets" / "plasma_store"
        assert len(os.fsencode(socket)) <= 107
    finally:
        run_folder.close()


def test_no_folder_for_temporary_files_is_told_with_what_was_tried(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SHORT_ROOTS", (root / "b",))
    monkeypatch.setattr(tempfile, "tempdir", str(root / "a"))
    with pytest.raises(ConfigurationError) as caught:
        new_run_folder()
    assert str(root / "a") in str(caught.value)
    assert f"{root / 'b'}: is not a folder" in caught.value.problems
    assert "TMPDIR" in caught.value.hint


def test_a_folder_in_which_others_could_replace_files_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").mkdir()
    (root / "a").chmod(0o777)
    (root / "b").mkdir()
    monkeypatch.setattr(session, "_SHORT_ROOTS", (root / "b",))
    monkeypatch.setattr(tempfile, "tempdir", str(root / "a"))
    assert new_run_folder().path.parent == root / "b"
