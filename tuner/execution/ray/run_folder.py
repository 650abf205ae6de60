"""The temporary folder of one run: private, and held by a lock that says whether its run is alive.

A number of a process means nothing to a container, or a host, that shares the folder for temporary files; a lock on a
file in it does, and goes with its process however that ends.
"""

import fcntl
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import final

from tuner.system.files import is_own_folder

_LOCK = "lock"
_UNLOCKED_SECONDS = 86_400.0
"""The age from which a folder without a lock is abandoned: a run makes both within moments."""


@final
class RunFolder:
    """A new folder in `root`, whose name begins with `prefix`, until it is closed.

    What is left of runs that were killed is deleted first: `end` is called with a folder whose run was on this machine.
    """

    def __init__(self, root: Path, prefix: str, end: Callable[[Path], None]) -> None:
        for folder in root.glob(f"{prefix}*"):
            _clear(folder, end)
        self.path, self._handle = _made(root, prefix)

    def close(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def _made(root: Path, prefix: str) -> tuple[Path, int]:
    """Return a new folder and the handle that holds its lock, which has an id of this machine in it."""
    while True:
        path = root / f"{prefix}{os.getpid()}-{secrets.token_hex(4)}"
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            handle = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if _locked(handle) and os.fstat(handle).st_nlink:
                os.write(handle, machine_id().encode())
                return path, handle
            os.close(handle)  # another run has taken it for a dead one's, and deletes it


def _clear(folder: Path, end: Callable[[Path], None]) -> None:
    """Delete what a run has left that is dead; what is another user's, a link or anything else is not looked into."""
    if not is_own_folder(folder):
        return
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        with suppress(OSError):  # it has just ended
            if time.time() - folder.lstat().st_mtime > _UNLOCKED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        return
    except OSError:
        return
    try:
        if _locked(handle):
            if _text(handle) == machine_id():
                end(folder)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _text(handle: int) -> str:
    try:
        return os.read(handle, 200).decode(errors="replace")
    except OSError:  # it is not a file
        return ""


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def machine_id() -> str:
    """Return the id that processes share which see each other's pids: of one boot of a machine and one container."""
    try:
        boot, space = Path("/proc/sys/kernel/random/boot_id").read_text(), Path("/proc/self/ns/pid").readlink()
    except OSError:  # there is no /proc
        return socket.gethostname()
    return f"{boot.strip()}/{space}"
