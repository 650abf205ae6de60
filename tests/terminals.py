"""A real terminal for what draws on one."""

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, stream: str = "stderr") -> Iterator[Callable[[], str]]:
    """Let stderr, or stdout, be a terminal; give what closes it and returns all it was sent."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    screen = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, stream, screen)
    with ThreadPoolExecutor(max_workers=1) as pool:
        received = pool.submit(_read_all, reader)

        def end() -> str:
            screen.close()
            return received.result().decode()

        try:
            yield end
        finally:
            screen.close()
    os.close(reader)


def _read_all(descriptor: int) -> bytes:
    """Read a terminal until nobody writes to it any more."""
    received = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # Linux says so where others return nothing
            return received
        if not part:
            return received
        received += part
