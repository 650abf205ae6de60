"""`tuner` in which a report can be where the process is killed, or where StopTrial is raised; reports are written down.

`KILLED=before:3` kills the process before its third report, `after:3` when the study has answered it. `RAISES=1` lets
reports raise StopTrial inside of a callback that asked for none.
"""

import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from tuner import Trial
from tuner.cli.__main__ import main as tuner
from tuner.execution.function_call import FunctionCall


def main() -> None:
    place, _, fatal = os.environ.get("KILLED", ":0").partition(":")
    calls, mine = count(1), os.getpid()
    original, original_call = Trial.report, FunctionCall.call

    def report(self: Trial, *given: Any, stop: bool = True, **named: Any) -> None:
        if os.getpid() != mine:  # a rank, whose reports its parent makes
            original(self, *given, stop=stop, **named)
            return
        note("report", self.number)
        is_last = next(calls) == int(fatal)
        die(is_last and place == "before")
        original(self, *given, stop=stop or "RAISES" in os.environ, **named)
        die(is_last and place == "after")

    def call(self: FunctionCall) -> Any:
        outcome = original_call(self)
        note("returned", self._trial.number)
        return outcome

    replace(Trial, "report", report)
    replace(FunctionCall, "call", call)
    tuner()


def program() -> None:
    """Run train.py, as `python train.py` does."""
    sys.path.insert(0, "")
    runpy.run_path("train.py", run_name="__main__")


def replace(owner: type, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


def note(what: str, trial: int) -> None:
    with Path("reports.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, "trial": trial}) + "\n")


def die(now: bool) -> None:  # noqa: FBT001
    if now:
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()
