"""Processes are told apart by when they started, measured with their children, and killed by a mark."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.system.processes import (
    descendants,
    ending,
    group_bytes,
    has_group,
    is_alive,
    kill_all,
    kill_users_of,
    resident_bytes,
    resident_bytes_of,
    start_time,
)

MEBIBYTE = 2**20
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
"""


def start(program: str = "print(flush=True); input()", **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )


@pytest.fixture
def parent() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Give a process and the pid of its child."""
    with start(PARENT) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_a_process_keeps_its_start_and_has_none_once_it_has_ended() -> None:
    with start() as process:
        started = start_time(process.pid)
        assert started == start_time(process.pid) != ""
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(process.pid)  # it is not reaped yet
        assert start_time(process.pid) == ""
    assert not is_alive(process.pid)


def test_a_group_is_there_until_its_last_process_has_ended() -> None:
    with start() as process:
        assert has_group(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not has_group(process.pid)  # it is not reaped yet
    assert not has_group(process.pid)


def test_two_processes_of_one_pid_would_differ_in_their_start() -> None:
    assert start_time(os.getpid()) != start_time(1)


def test_the_children_of_a_process_are_its_descendants(parent: tuple[subprocess.Popen[str], int]) -> None:
    process, child = parent
    assert descendants(process.pid) == (child,)
    assert {process.pid, child} <= {*descendants(os.getpid())}
    assert descendants(2**22 + 1) == ()


def test_the_memory_of_a_group_is_that_of_its_processes(parent: tuple[subprocess.Popen[str], int]) -> None:
    process, child = parent
    one, both = resident_bytes_of((process.pid,)), resident_bytes_of((process.pid, child))
    assert MEBIBYTE < one < both
    assert group_bytes(process.pid) > one
    assert group_bytes(2**22 + 1) == 0 == resident_bytes_of((2**22 + 1,))
    assert resident_bytes() > MEBIBYTE


def test_marked_processes_are_killed_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    opens = f"file = open({str(tmp_path / 'file')!r}); print(flush=True); input()"
    mine, opened, other = start(MARK=str(tmp_path)), start(opens), start(MARK=str(tmp_path / "other"))
    with mine, opened, other:
        for process in (mine, opened, other):
            assert process.stdout is not None
            process.stdout.readline()
        assert kill_users_of("MARK", tmp_path)
        assert [mine.wait(), opened.wait()] == [-9, -9]
        assert other.poll() is None
        assert not kill_users_of("MARK", tmp_path)
        other.kill()


def test_processes_are_killed_and_one_that_has_ended_is_left_out(parent: tuple[subprocess.Popen[str], int]) -> None:
    process, child = parent
    kill_all((2**22 + 1, child, process.pid))
    assert process.wait() == -signal.SIGKILL


def test_how_a_process_ended_is_said_of_a_signal_without_a_name_too() -> None:
    assert [ending(0), ending(-11), ending(-60)] == [
        "ended with exit code 0", "was killed by SIGSEGV", "was killed by signal 60",
    ]  # fmt: skip
