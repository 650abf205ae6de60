"""The thread that a program lends to user code, while what directs the trials waits in another one.

A function that reports keeps its place on the stack between two reports, so what answers it needs a stack of its own.
User code has the main thread wherever it can, as in a program of its own: signal handlers and event loops need that.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import final

Task = Callable[[BaseException | None], None]
"""User code to run; given an exception, it ends with that one instead of being run."""


@final
class UserThread:
    """Lends the thread that calls `run`; one task runs in it at a time."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()

    def submit(self, task: Task) -> None:
        """Let `task` run in the lent thread, and return at once."""
        self._tasks.put(task)

    def run(self, direct: Callable[[], None]) -> None:
        """Run `direct` in a new thread until it returns, and here, meanwhile, what it submits; raise what it raises.

        A Ctrl-C in between ends the next task. A child that a task has forked returns as soon as the task has ended.
        """
        process = os.getpid()
        raised: list[BaseException] = []
        directing = threading.Thread(target=self._directed, args=[direct, raised], name="tuner-study", daemon=True)
        directing.start()
        interrupt: BaseException | None = None
        while True:
            try:
                if (task := self._tasks.get()) is None:
                    break
            except KeyboardInterrupt as error:
                interrupt = error
                continue
            task(interrupt)
            interrupt = None
            if os.getpid() != process:
                return
        directing.join()
        ending = raised[0] if raised else interrupt
        if ending is not None:
            raise ending

    def _directed(self, direct: Callable[[], None], raised: list[BaseException]) -> None:
        try:
            direct()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for this one
            raised.append(error)
        finally:
            self._tasks.put(None)
