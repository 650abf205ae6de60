"""The temporary folder of a run: what lives is left alone, what is dead is deleted, what is not ours is not touched."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.execution.ray.run_folder import RunFolder, machine_id

PREFIX = "tuner-ray-"
HOLDS = """
import sys, time
from pathlib import Path
from tuner.execution.ray.run_folder import RunFolder
print(RunFolder(Path(sys.argv[1]), "tuner-ray-", lambda folder: None).path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def ended() -> list[Path]:
    return []


def made(root: Path, ended: list[Path]) -> RunFolder:
    return RunFolder(root, PREFIX, ended.append)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that has a folder."""
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_the_folder_of_a_run_that_lives_is_left_alone(
    other: tuple[subprocess.Popen[str], Path], tmp_path: Path, ended: list[Path]
) -> None:
    _, theirs = other
    mine = made(tmp_path, ended)
    assert {*tmp_path.iterdir()} == {theirs, mine.path}
    assert ended == []


def test_the_folder_of_a_run_that_was_killed_is_ended_and_deleted_by_the_next(
    other: tuple[subprocess.Popen[str], Path], tmp_path: Path, ended: list[Path]
) -> None:
    process, theirs = other
    process.kill()
    process.wait()
    mine = made(tmp_path, ended)
    assert [*tmp_path.iterdir()] == [mine.path]
    assert ended == [theirs]


def test_a_process_number_says_nothing_of_a_run_in_another_container(
    other: tuple[subprocess.Popen[str], Path], tmp_path: Path, ended: list[Path]
) -> None:
    _, theirs = other
    renamed = theirs.rename(tmp_path / f"{PREFIX}999999999-x")  # a number that nobody here has
    made(tmp_path, ended)
    assert renamed.is_dir()


def test_no_process_is_ended_for_a_run_of_another_machine(
    other: tuple[subprocess.Popen[str], Path], tmp_path: Path, ended: list[Path]
) -> None:
    process, theirs = other
    (theirs / "lock").write_text("another machine")
    process.kill()
    process.wait()
    made(tmp_path, ended)
    assert not theirs.exists()
    assert ended == []


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "fifo", "locked by a link", "locked by a fifo"])
def test_what_somebody_has_put_there_neither_stops_a_run_nor_leads_it_elsewhere(
    kind: str, tmp_path: Path, ended: list[Path]
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "precious").touch()
    (kept / "lock").write_text(machine_id())  # as a run of this machine leaves it
    root = tmp_path / "root"
    root.mkdir()
    planted = root / f"{PREFIX}1-x"
    match kind:
        case "link":
            planted.symlink_to(kept)
        case "dangling":
            planted.symlink_to(root / "nothing")
        case "file":
            planted.touch()
        case "fifo":
            os.mkfifo(planted)
        case "locked by a link":
            planted.mkdir()
            (planted / "lock").symlink_to(kept / "precious")
        case _:
            planted.mkdir()
            os.mkfifo(planted / "lock")
    mine = made(root, ended)
    assert mine.path.is_dir()
    assert ended == []
    assert (kept / "precious").exists()
    mine.close()
    assert not mine.path.exists()


def test_a_folder_without_a_lock_is_one_that_is_being_made_until_it_is_a_day_old(
    tmp_path: Path, ended: list[Path]
) -> None:
    young, old = tmp_path / f"{PREFIX}1-young", tmp_path / f"{PREFIX}1-old"
    for folder in (young, old):
        folder.mkdir()
    day = time.time() - 90_000
    os.utime(old, (day, day))
    made(tmp_path, ended)
    assert young.exists()
    assert not old.exists()
