"""Stops a run at signals and at its time limit; says of an interruption which study it was."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from tuner.domain.errors import StorageError, StudyInterrupted
from tuner.domain.fidelity import EPOCHS, FidelityUnit
from tuner.domain.run_controller import RunController, StopCause
from tuner.storage.store import Store
from tuner.system.signals import Dispositions, cancel_foreign_alarm, leave_closed_terminal

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STDERR = 2

_SECOND = "; a second Ctrl-C stops at once, and they are trained again when the study is resumed"


@contextmanager
def stopping_on_signals(
    controller: RunController, unit: FidelityUnit, again: str, grace_seconds: float | None
) -> Iterator[None]:
    """Stop the run at the first Ctrl-C, SIGTERM or closed terminal, and the process at the second Ctrl-C.

    `unit` is what the study counts in, `again` the command that resumes it, and `grace_seconds` how long the epochs
    that are being trained are waited for; None: until they are over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; a program that runs us elsewhere has its own handlers
        return

    stopping = _stopping(unit, grace_seconds)

    def handle(number: int, _: FrameType | None) -> None:
        cancel_foreign_alarm()
        if number == signal.SIGHUP:
            leave_closed_terminal()
        if number == signal.SIGINT and controller.is_stopping:
            _tell(f"stopped at once; continue with: {again}")
            os._exit(130)
        if not controller.is_stopping:
            _tell(stopping + (_SECOND if number == signal.SIGINT else ""))
        controller.stop(StopCause.INTERRUPT if number == signal.SIGINT else StopCause.TERMINATE)

    # What `nohup` has made ignored stays so.
    handled = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    kept = Dispositions(handled)
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        kept.restore()  # a handler that is not Python's, too


def _stopping(unit: FidelityUnit, grace_seconds: float | None) -> str:
    """Return what is waited for, how long, and what becomes of a trial that takes longer."""
    by_epochs = unit == EPOCHS  # else trials are not trained epoch by epoch
    if grace_seconds is None:
        awaited = (
            "epochs that are being trained are over"
            if by_epochs
            else "trials that are being trained have reported again"
        )
        return f"stopping as soon as the {awaited}, which saves them"
    saved = "epochs that are over" if by_epochs else "trials that report"
    return (
        f"stopping: {saved} within {grace_seconds:g} s are saved; trials that take longer are cut off, and continue "
        "from their last checkpoint when the study is resumed, or begin anew without one"
    )


def _tell(text: str) -> None:
    """Write a line to stderr, as a signal handler may: whatever else writes there may be in the middle of it."""
    with suppress(OSError):  # the terminal or pipe is closed
        os.write(_STDERR, f"{chr(10) if os.isatty(_STDERR) else ''}{text}{chr(10)}".encode())


@contextmanager
def time_limit(controller: RunController, seconds: float | None) -> Iterator[None]:
    """Stop the run once `seconds` have passed; None: no limit."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, controller.stop, [StopCause.TIME])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def resumable(store: Store, name: str) -> Iterator[None]:
    """Convert KeyboardInterrupt outside the part of a run that handles signals into StudyInterrupted(name).

    One that comes before the study is stored stays what it is: there is nothing to resume.
    """
    try:
        yield
    except StudyInterrupted:
        raise
    except KeyboardInterrupt as interruption:
        if not _is_stored(store, name):
            raise
        raise StudyInterrupted(name, getattr(interruption, "exit_code", 130)) from None


def _is_stored(store: Store, name: str) -> bool:
    try:
        return name in store
    except StorageError:
        return True  # it may be: to look for it again does no harm
