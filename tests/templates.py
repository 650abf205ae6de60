"""Processes that isolated trials need, and when they are gone."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.system.processes import descendants, start_time


def processes() -> set[int]:
    """The templates below this process and what they forked; Ray's processes, which come and go, are not among them."""
    return {pid for pid in descendants(os.getpid()) if "tuner.execution.isolation import" in _command(pid)}


@contextmanager
def processes_started() -> Iterator[set[int]]:
    """What is started meanwhile; what tests before this one left to end by itself is not among it."""
    before = processes()
    started: set[int] = set()
    yield started
    started |= processes() - before


def gone(pid: int) -> bool:
    """Whether a process has ended; one that is only just ending is waited for."""
    deadline = time.monotonic() + 60
    while start_time(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)  # it is nobody's child here: there is nothing to wait on
    return True


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:  # it has ended since
        return ""
