"""The thread that user code runs in, while what directs it runs in another."""

import os
import threading
from queue import SimpleQueue

import pytest

from tuner.execution.user_thread import UserThread


def test_what_is_submitted_runs_in_the_thread_that_lends_itself() -> None:
    lent, ran = UserThread(), SimpleQueue[int]()

    def direct() -> None:
        assert threading.current_thread() is not threading.main_thread()
        for _ in range(2):
            lent.submit(lambda _: ran.put(threading.get_ident()))

    lent.run(direct)
    assert [ran.get_nowait(), ran.get_nowait()] == [threading.get_ident()] * 2


def test_what_the_direction_raises_is_raised_where_the_thread_was_lent() -> None:
    def direct() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        UserThread().run(direct)


def test_a_child_that_a_task_has_forked_directs_nothing() -> None:
    lent, ended = UserThread(), SimpleQueue[int]()

    def task(_: BaseException | None) -> None:
        child = os.fork()
        if child:
            ended.put(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    mine = os.getpid()
    lent.run(lambda: lent.submit(task))
    if os.getpid() != mine:
        os._exit(7)
    assert ended.get_nowait() == 7
