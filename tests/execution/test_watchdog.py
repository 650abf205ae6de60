"""Workers beyond a limit are ended, with what they have started; others are left alone."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner.domain.resources import Limits
from tuner.domain.trial import Failure, FailureReason
from tuner.execution.watchdog import Actors, Watchdog, end_all
from tuner.system.processes import is_alive

NONE = Limits(start=None, progress=None, time=None, memory=None, output=None)
LONG_ENOUGH = 60.0
"""Seconds in which a process ends that was killed: where none was, the test fails, and does not wait for ever."""
WORKER = """
import subprocess, sys
from pathlib import Path
from tuner.execution.watchdog import enroll
enroll(Path(sys.argv[1]), 1)
size = int(sys.argv[3]) * 2**20
program = f"block = bytearray({size}); print(flush=True); input()"
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
child = subprocess.Popen([sys.executable, "-c", program], start_new_session=size > 0, **pipes)
child.stdout.readline()
block = bytearray(int(sys.argv[2]) * 2**20)
print(child.pid, flush=True)
sys.stdin.read()
"""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1.0  # later than the watchdog's pause between two looks
        return self.now


class Worker:
    """A process that trains cohort 1 and has started another process."""

    def __init__(self, folder: Path, mebibytes: int = 0, alone: int = 0) -> None:
        command = [sys.executable, "-c", WORKER, str(folder), str(mebibytes), str(alone)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.child = int(self.process.stdout.readline())

    def is_ended(self) -> bool:
        return self.process.wait(LONG_ENOUGH) == -9

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class FakeActors(Actors):
    """Actors that are placed and ready when a test says so."""

    def __init__(self) -> None:
        self.placed = self.ready = False
        self.ended: list[int] = []

    def is_placed(self, cohort: int) -> bool:
        return self.placed

    def is_ready(self, cohort: int) -> bool:
        return self.ready

    def end(self, cohort: int) -> None:
        self.ended.append(cohort)


StartWorker = Callable[..., Worker]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    started: list[Worker] = []

    def start(mebibytes: int = 0, alone: int = 0) -> Worker:
        started.append(Worker(tmp_path, mebibytes, alone))
        return started[-1]

    yield start
    end_all(tmp_path)
    for worker in started:
        worker.close()


def watchdog(
    folder: Path,
    limits: Limits,
    clock: Callable[[], float] | None = None,
    output: int = 0,
    actors: FakeActors | None = None,
) -> Watchdog:
    watching = Watchdog(limits, folder, lambda _: output, actors or FakeActors(), clock or Clock())
    watching.begun(1)
    return watching


def gone(pid: int) -> bool:
    """Whether a process that is nobody's child here has ended, or will at once."""
    while is_alive(pid) and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        pass
    return True


def verdict(watching: Watchdog) -> Failure:
    failure = watching.verdict(1)
    assert failure is not None
    return failure


def test_without_limits_a_worker_is_left_alone(tmp_path: Path, start_worker: StartWorker) -> None:
    worker = start_worker()
    watching = watchdog(tmp_path, NONE)
    for _ in range(5):
        watching.check()
    assert worker.process.poll() is None
    assert watching.verdict(1) is None


def test_a_worker_that_reports_nothing_is_ended_with_what_it_has_started(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    worker, clock = start_worker(), Clock()
    watching = watchdog(tmp_path, Limits(progress=60), clock)
    watching.check()
    clock.now += 50
    watching.heard(1)
    clock.now += 50
    watching.check()
    assert worker.process.poll() is None
    clock.now += 50
    watching.check()
    assert worker.is_ended()
    assert gone(worker.child)
    failure = verdict(watching)
    assert failure.reason is FailureReason.TIMEOUT
    assert failure.message == "it reported nothing within the 60 s that limits.progress allows; its worker was ended"


def test_who_is_silent_for_as_long_as_a_trial_may_take_is_too_late(tmp_path: Path, start_worker: StartWorker) -> None:
    worker, clock = start_worker(), Clock()
    watching = watchdog(tmp_path, Limits(time=30), clock)
    watching.check()
    clock.now += 40
    watching.check()
    assert worker.is_ended()
    assert "limits.time" in verdict(watching).message


def test_a_worker_that_takes_too_much_memory_is_ended(tmp_path: Path, start_worker: StartWorker) -> None:
    worker = start_worker(mebibytes=200)
    watching = watchdog(tmp_path, Limits(memory=150 * 2**20))
    watching.check()
    assert worker.is_ended()
    assert verdict(watching).reason is FailureReason.MEMORY_LIMIT


def test_children_with_a_session_of_their_own_count_and_end_with_the_worker(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    worker = start_worker(alone=200)
    watching = watchdog(tmp_path, Limits(memory=150 * 2**20))
    watching.check()
    assert verdict(watching).reason is FailureReason.MEMORY_LIMIT
    assert worker.is_ended()
    assert gone(worker.child)


def test_a_worker_within_its_memory_goes_on(tmp_path: Path, start_worker: StartWorker) -> None:
    worker = start_worker()
    watchdog(tmp_path, Limits(memory=2**30)).check()
    assert worker.process.poll() is None


def test_a_worker_that_prints_too_much_is_ended(tmp_path: Path, start_worker: StartWorker) -> None:
    worker = start_worker()
    watching = watchdog(tmp_path, Limits(output=2**20), output=2**20 + 1)
    watching.check()
    assert worker.is_ended()
    assert verdict(watching).message == "it printed more than the 1 MiB that limits.output allows"


def test_a_cohort_waits_for_a_place_as_long_as_it_takes(tmp_path: Path) -> None:
    clock, actors = Clock(), FakeActors()
    watching = watchdog(tmp_path, Limits(start=10), clock, actors=actors)
    for _ in range(3):
        watching.check()
        clock.now += 1000
    assert watching.verdict(1) is None
    assert actors.ended == []


def test_a_worker_that_is_placed_and_never_gets_ready_fails_its_cohort_alone(tmp_path: Path) -> None:
    clock, actors = Clock(), FakeActors()
    watching = watchdog(tmp_path, Limits(start=10), clock, actors=actors)
    actors.placed = True
    watching.check()
    clock.now += 10
    watching.check()
    assert actors.ended == [1]
    message = verdict(watching).message
    assert message == "its worker was not ready within the 10 s that limits.start allows; its worker was ended"


def test_a_worker_elsewhere_that_reports_nothing_is_ended_there(tmp_path: Path) -> None:
    clock, actors = Clock(), FakeActors()
    watching = watchdog(tmp_path, Limits(progress=10), clock, actors=actors)
    actors.placed = actors.ready = True
    watching.check()
    clock.now += 100
    watching.check()
    assert actors.ended == [1]
    assert "limits.progress" in verdict(watching).message


def test_a_cohort_that_is_over_is_watched_no_more(tmp_path: Path, start_worker: StartWorker) -> None:
    worker, clock = start_worker(), Clock()
    watching = watchdog(tmp_path, Limits(progress=10), clock)
    watching.check()
    assert watching.verdict(1) is None
    clock.now += 1000
    watching.check()
    assert worker.process.poll() is None


def test_a_process_that_was_given_the_number_of_a_worker_is_left_alone(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    worker = start_worker()
    for file in tmp_path.iterdir():
        file.write_text(f"{worker.process.pid} 1")
    end_all(tmp_path)
    assert worker.process.poll() is None


def test_at_the_end_what_dead_workers_have_started_is_ended(tmp_path: Path, start_worker: StartWorker) -> None:
    worker = start_worker()
    worker.process.kill()
    worker.process.wait()
    end_all(tmp_path)
    assert gone(worker.child)
