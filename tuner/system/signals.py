"""What this process does on a signal, below what Python's `signal` sees: C libraries have handlers and alarms too."""

import errno
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, final

_BYTES = 512
"""More than the largest `struct sigaction` has."""


_AGAIN_SECONDS = 0.02
"""After how long a signal is sent again whose exception Python could not raise."""

Unraisable = Callable[["sys.UnraisableHookArgs"], Any]


def raised_again(hook: Unraisable) -> Unraisable:
    """Return a `sys.unraisablehook` by which no signal is lost; `hook` gets everything else.

    A handler that raises while Python runs a destructor, or a callback of its own import locks, raises nowhere: the
    signal comes again a moment later, when the program is back in its own code.
    """

    def unraisable(found: "sys.UnraisableHookArgs") -> None:
        if not isinstance(found.exc_value, KeyboardInterrupt):
            hook(found)
            return
        number = signal.SIGINT if type(found.exc_value) is KeyboardInterrupt else signal.SIGTERM
        again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    return unraisable


@final
class Dispositions:
    """The dispositions of some signals as they are when this is made; `restore` may be called from any thread.

    `signal.signal` would do only in the main thread, and only for handlers that Python has installed.
    """

    def __init__(self, numbers: Sequence[signal.Signals]) -> None:
        import ctypes  # noqa: PLC0415 - the command line's help does not pay for it

        self._buffer = ctypes.create_string_buffer
        self._errno = ctypes.get_errno
        self._sigaction = ctypes.CDLL(None, use_errno=True).sigaction
        self._kept = {number: self._now(number) for number in numbers}

    def restore(self) -> None:
        """Put every disposition back that is another one now."""
        for number, kept in self._kept.items():
            if self._now(number) != kept:
                self._sigaction(int(number), kept, None)

    def _now(self, number: signal.Signals) -> bytes:
        found = self._buffer(_BYTES)
        if self._sigaction(int(number), None, found):
            raise OSError(self._errno(), f"sigaction of {number.name} failed in {sys.executable}")
        return found.raw


def cancel_foreign_alarm() -> None:
    """Cancel an alarm that would end this process and is not one of Python code's.

    Ray's C++ code sets one on SIGTERM, for 3 seconds later, and lets Python's handler run meanwhile.
    """
    if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
        signal.alarm(0)


def leave_closed_terminal() -> None:
    """Let standard streams that are a closed terminal lead nowhere: writing to it would be an error."""
    for stream in (0, 1, 2):
        try:
            termios.tcgetattr(stream)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                with suppress(OSError):
                    lead_nowhere(stream)


def lead_nowhere(stream: int) -> None:
    """Let a file descriptor lead nowhere: what is written into it is lost, and no error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, stream)
    os.close(nowhere)
