"""Limits of what runs in worker processes: too long, too large, too loud, and the worker is ended with its children.

A worker records in a file which process it is as soon as it begins a cohort, before any code of the user's runs. It
leads a process group of its own, so that what the objective starts is ended with it.
"""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tuner.domain.resources import Limits
from tuner.domain.trial import Failure
from tuner.execution.limit_failures import late, too_large, too_late, too_loud
from tuner.system.files import private, whole_file
from tuner.system.processes import descendants, group_bytes, kill_all, kill_group, resident_bytes_of, start_time

WORKERS = "workers"
"""The folder, in that of a run, where workers record what they do."""

_EVERY_SECONDS = 0.5
_WHOSE = "its worker"


def enroll(folder: Path | None, cohort: int) -> None:
    """Make this process the leader of a group, and record in `folder`, where there is one, that it trains a cohort."""
    # Ray's own processes are shielded from it and start this one: what the objective starts has to be stoppable.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    with suppress(PermissionError):  # it leads a session already
        os.setpgid(0, 0)
    if folder is None:
        return
    private(folder)
    for name in (f"worker-{os.getpid()}", f"cohort-{cohort}"):
        with whole_file(folder / name) as beside:
            beside.write_text(f"{os.getpid()} {start_time(os.getpid())}")


def end_all(folder: Path) -> None:
    """End every worker that ever recorded itself in `folder`, and what it has started."""
    for file in folder.glob("worker-*"):
        _end(_pid(file))


def _end(pid: int | None) -> bool:
    if pid is not None:
        left = descendants(pid)
        kill_group(pid)
        kill_all(left)  # in whatever session they are
    return pid is not None


def _pid(file: Path) -> int | None:
    """Return the process that a file records, which may have ended; None where its number is another one's now."""
    with suppress(OSError, ValueError):
        pid, born = file.read_text().split()
        if start_time(int(pid)) in (born, ""):
            return int(pid)
    return None


class Actors(ABC):
    """The processes that cohorts are given, wherever those are."""

    @abstractmethod
    def is_placed(self, cohort: int) -> bool:
        """Whether a cohort has been given the resources that it needs: until then it waits for others, or a node."""

    @abstractmethod
    def is_ready(self, cohort: int) -> bool:
        """Whether the process that trains a cohort has begun to."""

    @abstractmethod
    def end(self, cohort: int) -> None:
        """End the process that trains a cohort, or is to, at once."""


@final
@dataclass(slots=True)
class _Watched:
    placed: float | None = None
    """When it was given a worker; None while it waits for one."""
    heard: float | None = None
    """When it began or last reported; None while its worker gets ready."""
    failure: Failure | None = None


@final
class Watchdog:
    """Watches the cohorts of one run. `output_of` gives the bytes that a process has printed.

    What it finds is reported once, and the cohort's worker is ended: the executor notices that like any death of a
    worker, and asks `verdict` for the reason.
    """

    def __init__(
        self,
        limits: Limits,
        folder: Path,
        output_of: Callable[[int], int],
        actors: Actors,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._folder = folder
        self._output_of = output_of
        self._actors = actors
        self._clock = clock
        self._watched: dict[int, _Watched] = {}
        self._next = 0.0

    def begun(self, cohort: int) -> None:
        """Record that a cohort was handed out."""
        self._watched[cohort] = _Watched()

    def heard(self, cohort: int) -> None:
        """Record that a cohort has reported."""
        if cohort in self._watched:
            self._watched[cohort].heard = self._clock()

    def verdict(self, cohort: int) -> Failure | None:
        """Forget a cohort that is over, and return why its worker was ended; None where it was not."""
        watched = self._watched.pop(cohort, None)
        self._file(cohort).unlink(missing_ok=True)
        return None if watched is None else watched.failure

    def check(self) -> None:
        """End the workers that are beyond a limit; looks twice a second."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _EVERY_SECONDS
        for cohort, watched in self._watched.items():
            failure = None if watched.failure else self._beyond(cohort, watched, now)
            if failure is None:
                continue
            watched.failure = failure
            if not _end(_pid(self._file(cohort))):
                self._actors.end(cohort)

    def _file(self, cohort: int) -> Path:
        return self._folder / f"cohort-{cohort}"

    def _beyond(self, cohort: int, watched: _Watched, now: float) -> Failure | None:
        limits = self._limits
        pid = _pid(self._file(cohort))
        if watched.placed is None and self._actors.is_placed(cohort):
            watched.placed = now
        if watched.heard is None and (pid is not None or self._actors.is_ready(cohort)):
            watched.heard = now
        if watched.heard is None:
            waited = 0.0 if watched.placed is None else now - watched.placed
            return late("its worker was not ready", waited, limits.start, "start", _WHOSE)
        return too_late(now - watched.heard, limits, _WHOSE) or (None if pid is None else self._large(pid))

    def _large(self, pid: int) -> Failure | None:
        limits = self._limits
        if limits.memory is not None and (failure := too_large(used_bytes(pid), limits.memory, _WHOSE)) is not None:
            return failure
        is_loud = limits.output is not None and self._output_of(pid) > limits.output
        return too_loud(limits.output) if is_loud else None


def used_bytes(pid: int) -> int:
    """Return the memory of a worker and all that it has started, in whatever session or group that is."""
    return max(group_bytes(pid), resident_bytes_of((pid, *descendants(pid))))
