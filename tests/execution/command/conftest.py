"""A trial whose objective is a command, a program that is given by its text."""

import sys
import textwrap
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.trial import Failure, Trial
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.command.training import trained_by

Start = Callable[..., Generator[Any, None, None]]


@pytest.fixture
def start(workplace: Path) -> Start:
    """Starts a trial of a Python program, given by its text, whose arguments are `words`."""

    def begin(
        program: str, *words: str, wanted: tuple[str, ...] = ("loss",), pattern: str = "",
        options: tuple[str, ...] = ("-S",), recorded: int = 0, **given: Any,
    ) -> Any:  # fmt: skip
        (workplace / "train.py").write_text("import json, os, signal, socket, sys, time\n" + textwrap.dedent(program))
        checkpoints = TrialCheckpoints(workplace / "checkpoints", recorded, recorded)
        checkpoints.begin_epoch()
        trial = Trial(
            config=Config({"lr": 0.5, "optimizer": {"name": "sgd", "momentum": 0.25}}),
            checkpoints=checkpoints,
            place=workplace / "place",
            settings=Config({}),
            **{"number": 3, "seed": 11, "device": "cpu", "epoch": checkpoints.epoch, "max_epochs": 9, **given},
        )
        command = Command(words=(sys.executable, *options, "train.py", *words), pattern=pattern)
        return taken(trained_by(command, wanted, workplace)(trial), checkpoints)

    return begin


def taken(reports: Generator[Any, None, None], checkpoints: TrialCheckpoints) -> Generator[Any, None, None]:
    """Take every report as a worker does, which says where the trial is."""
    try:
        for report in reports:
            if not isinstance(report, Failure):
                checkpoints.advance(is_best=True)
                checkpoints.recorded()
            yield report
            checkpoints.begin_epoch()
    finally:
        reports.close()
