"""What differs between the processes that user code runs in."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from tuner.execution.user_thread import UserThread

IsFailure = Callable[[BaseException], bool]
"""Whether what user code raises is its trial's failure, and nothing that the process is to end by."""


def is_failure_here(error: BaseException) -> bool:
    """Whether an exception is a trial's failure in a process that is not the trial's own: all but a person's Ctrl-C.

    Where the run handles that, a KeyboardInterrupt is one that the code itself has raised.
    """
    is_handled = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    in_main = threading.current_thread() is threading.main_thread()
    return is_handled or not in_main or not isinstance(error, KeyboardInterrupt)


def is_failure_of_a_guest(_: BaseException) -> bool:
    """Whether an exception is a trial's failure in the trial's own process: whatever it is."""
    return True


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How a process runs user code.

    A function that begins alone runs in the lent `thread`; without one, and beside others, in a thread of its own.
    `grace_seconds` is how long a stopped function may take to end before the process ends with it, where the process is
    there only for trials (None: as long as it takes). Where it `forks`, it has computed nothing, and the ranks of a
    trial are forked from it.
    """

    is_failure: IsFailure = is_failure_here
    thread: UserThread | None = None
    grace_seconds: float | None = None
    forks: bool = False
