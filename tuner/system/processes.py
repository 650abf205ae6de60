"""Processes of this machine: whether one still is the one that was meant, and how to end it and its children."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
"""Options of prctl(2)."""


def birth(pid: int) -> str:
    """Return what tells a process from a later one of the same number, "" where there is none.

    Where there is no /proc, a process is known by being alive.
    """
    if not _PROC.exists():
        return "alive" if is_alive(pid) else ""
    fields = _fields(pid)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def is_alive(pid: int) -> bool:
    """Whether there is a process of this number, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def group_bytes(group: int) -> int:
    """Return the memory that a process group has in use; what its processes share is counted once for each."""
    members = (_fields(int(entry.name)) for entry in _PROC.glob("[0-9]*"))
    # The fields from the third on: the process group is the fifth, the resident pages are the twenty-fourth.
    return sum(int(fields[21]) * _PAGE_BYTES for fields in members if fields and fields[2] == str(group))


def descendants(pid: int) -> tuple[int, ...]:
    """Return every process that `pid` has started, directly or not, itself left out; none where there is no /proc."""
    parents = {int(entry.name): _fields(int(entry.name)) for entry in _PROC.glob("[0-9]*")}
    found: list[int] = []
    generation = {pid}
    while generation:
        generation = {child for child, fields in parents.items() if fields and int(fields[1]) in generation}
        found += sorted(generation)
    return tuple(found)


def resident_bytes_of(pids: tuple[int, ...]) -> int:
    """Return the memory that these processes have in use; what they share is counted once for each."""
    return sum(int(fields[21]) * _PAGE_BYTES for fields in map(_fields, pids) if fields)


def resident_bytes() -> int:
    """Return the memory that this process has in use."""
    fields = _fields(os.getpid())
    return int(fields[21]) * _PAGE_BYTES if fields else 0


def kill_marked(name: str, folder: Path) -> bool:
    """End every process, but for this one, whose variable `name` is `folder`, or that has a file open in there.

    Returns whether there was any: those that are ending are there for a moment longer.

    A process that changes its title may write over its environment.
    """
    marker = f"{name}={folder}".encode()
    found = False
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it is somebody else's, or has ended
            is_marked = marker in (entry / "environ").read_bytes().split(b"\0") or _uses(entry, folder)
            if is_marked and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)
                found = True
    return found


def _uses(process: Path, folder: Path) -> bool:
    for handle in (process / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if str(handle.readlink()).startswith(f"{folder}/"):
                return True
    return False


def kill_group(group: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to every process of a group, by default the one that ends them; nothing happens without any."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none gets out of sight; on Linux only."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Let this process be killed when its parent ends, however that ends; on Linux only."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _fields(pid: int) -> list[str]:
    """Return the fields of a process from the third, its state, on: those behind its name, which may hold anything."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
