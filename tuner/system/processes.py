"""Process identity, memory and descendants, and how to end processes; a reused pid is recognised by the start time."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
"""Options of prctl(2)."""

_STATE, _START_TICKS = 0, 19
"""Fields of /proc/<pid>/stat, counted from the third on; the second is the name, which may contain anything."""


def start_time(pid: int) -> str:
    """Return when a process started, which no later process with the same pid shares; "" where it has ended.

    On Linux in clock ticks since the machine started: psutil's time of creation moves with the machine's clock.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[_STATE] in "ZX" else fields[_START_TICKS]
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process has this pid, of whatever user; one that has ended and is not reaped yet counts."""
    return bool(psutil.pid_exists(pid))


def group_bytes(group: int) -> int:
    """Return the resident memory of a process group in bytes; pages that its processes share count once for each."""
    return resident_bytes_of(tuple(pid for pid in psutil.pids() if _group_of(pid) == group))


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def has_group(group: int) -> bool:
    """Whether any process of a group has not ended; one that is not reaped yet has."""
    return any(_group_of(pid) == group and start_time(pid) for pid in psutil.pids())


def descendants(pid: int) -> tuple[int, ...]:
    """Return the pids of all processes that `pid` has started, directly or through others."""
    try:
        return tuple(child.pid for child in psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return ()


def resident_bytes_of(pids: tuple[int, ...]) -> int:
    """Return the resident memory of these processes in bytes; pages that they share count once for each."""
    total = 0
    for pid in pids:
        with suppress(psutil.Error):  # it has ended
            total += psutil.Process(pid).memory_info().rss
    return total


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes."""
    return resident_bytes_of((os.getpid(),))


def kill_users_of(name: str, folder: Path) -> bool:
    """Kill all other processes whose environment variable `name` is `folder`, or that have a file open in there.

    Returns whether there were any; killed processes may exist for a moment longer. A process that changes its title
    may overwrite its environment.
    """
    return _kill_others(
        lambda process: process.environ().get(name) == str(folder) or _has_open_file(process.pid, folder)
    )


def kill_with_variable(name: str, value: str) -> None:
    """Kill all other processes whose environment variable `name` has this value, in whatever session or group."""
    _kill_others(lambda process: process.environ().get(name) == value)


def _kill_others(is_meant: Callable[[psutil.Process], bool]) -> bool:
    """Kill all processes but this one that are meant; return whether there were any."""
    found = False
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # it belongs to another user, or has ended
            process = psutil.Process(pid)
            if pid != os.getpid() and is_meant(process):
                found = True
                process.kill()  # compares the start time, so a new process with the same pid is spared
    return found


def _has_open_file(pid: int, folder: Path) -> bool:
    """Whether a process has a file open below `folder`; psutil's `open_files` leaves out files that are deleted."""
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if str(handle.readlink()).startswith(f"{folder}/"):
                return True
    return False


def kill_group(group: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to every process of a group, by default the one that ends them; nothing happens without any."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_all(pids: Iterable[int]) -> None:
    """End each of these processes at once, in whatever session or group it is; those that have ended are left out."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def exit_code(child: int) -> int | None:
    """Return the exit code of a child that has ended, negative for a signal, and leave it there to be waited for."""
    found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def ending(status: int) -> str:
    """Return in words how a process ended, whose exit code is negative for a signal.

    >>> ending(3), ending(-9)
    ('ended with exit code 3', 'was killed by SIGKILL')
    """
    if status >= 0:
        return f"ended with exit code {status}"
    is_known = -status in set(signal.Signals)
    return f"was killed by {signal.Signals(-status).name if is_known else f'signal {-status}'}"


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none gets out of sight; on Linux only."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Let this process be killed when its parent ends, however that ends; on Linux only."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
