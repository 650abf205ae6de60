"""Runs or resumes the study of the fault tests, in a process that is going to be killed.

    python driver.py FOLDER run|resume [--executor inline] [--die-at POINT:CALL]

An oracle of the test's own is written as the study goes: a line, flushed to the disk, for every epoch that the study
says is stored. `--die-at stored:3` ends the process by SIGKILL at the third call of a named point.
"""

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

from tuner.domain.event import Event, EventKind, Listener
from tuner.execution.checkpoint_retention import Retention
from tuner.running import launch
from tuner.running.resume_request import ResumeRequest
from tuner.search.controller import SearchController
from tuner.search.dispatch import Dispatcher
from tuner.storage.store import Store
from tuner.storage.writer import SqlStudyWriter

BEFORE, AFTER = "before", "after"

POINTS: dict[str, tuple[type, str, str]] = {
    "before-create": (Store, "create", BEFORE),
    "created": (Store, "create", AFTER),
    "asked": (Dispatcher, "_proposed", AFTER),
    "before-store": (SqlStudyWriter, "store", BEFORE),
    "half-stored": (SqlStudyWriter, "_insert_reports", AFTER),
    "stored": (SqlStudyWriter, "store", AFTER),
    "answered": (SearchController, "report", AFTER),
    "before-rename": (Path, "replace", BEFORE),
    "renamed": (Path, "replace", AFTER),
    "before-discard": (Retention, "notify", BEFORE),
    "discarded": (Retention, "notify", AFTER),
}
"""Where a process can be made to die: around every step that stores something."""


@final
class Oracle(Listener):
    """Writes down what the study says is stored."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def notify(self, event: Event) -> None:
        trial = event.trial
        if event.kind in (EventKind.REPORTED, EventKind.FINISHED) and trial.curve:
            line = f"{trial.number} {trial.last_epoch} {trial.curve[trial.last_epoch]!r} {trial.state.value}\n"
            os.write(self._handle, line.encode())
            os.fsync(self._handle)


def die_at(point: str, call: int) -> None:
    """Let this process end itself at the given call of a point."""
    owner, name, when = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(1, 10**9))

    def dying(*args: Any, **keywords: Any) -> Any:
        is_last = next(calls) == call
        if is_last and when == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **keywords)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", choices=["run", "resume"])
    parser.add_argument("--executor", default="inline")
    parser.add_argument("--die-at", default="")
    given = parser.parse_args()
    os.chdir(given.folder)
    if given.die_at:
        point, _, call = given.die_at.partition(":")
        die_at(point, int(call))
    oracle = Oracle(given.folder / "oracle.txt")
    overrides = {"executor": given.executor}
    if given.what == "run":
        launch.run("faulty.toml", overrides=overrides, listeners=lambda *_: [oracle])
    else:
        launch.resume("faulty", ResumeRequest(overrides=overrides), listeners=lambda *_: [oracle])


if __name__ == "__main__":
    main()
