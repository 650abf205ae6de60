"""Commands in trial processes: the study's limits hold for all that a command has started, and its output is kept."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from templates import gone

from tuner.domain.assignment import Assignment, AssignmentKind, TrialAssignment
from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.resources import Limits
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import FailureReason
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.inherited_environment import surrounded
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.work_errors import WorkOverranError

LARGE = """
import os, signal, subprocess, sys
code = "import signal; block = bytearray(300 * 2**20); signal.pause()"
child = subprocess.Popen([sys.executable, "-S", "-c", code])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
signal.pause()
"""
SILENT = "import os, signal\nopen('pids', 'w').write(str(os.getpid()))\nsignal.pause()\n"
LOUD = "import os\nopen('pids', 'w').write(str(os.getpid()))\nwhile True: print('x' * 10000, flush=True)\n"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[str, Limits], IsolatedWorker]]:
    workers: list[IsolatedWorker] = []

    def started(program: str, limits: Limits) -> IsolatedWorker:
        (tmp_path / "train.py").write_text(program)
        worker_spec = WorkerSpec(
            objective=Command(words=(sys.executable, "-S", "train.py")),
            folder=tmp_path, settings={}, seed=0, metric="m", direction=Direction.MAXIMIZE, max_epochs=3, device="cpu",
            folders=StudyFolders.within(tmp_path / "study"), isolation=Isolation.TRIAL, started_in=tmp_path,
            limits=limits,
        )  # fmt: skip
        workers.append(IsolatedWorker(surrounded(worker_spec)))
        member = TrialAssignment(number=0, config=Config({"x": 1}), seed=0, decision_epochs=(3,))
        workers[-1].begin(Assignment(id=1, kind=AssignmentKind.TRAIN, members=(member,)))
        return workers[-1]

    yield started
    for worker in workers:
        worker.close()


@pytest.mark.parametrize(
    ("program", "limits", "reason"),
    [
        (LARGE, Limits(memory=250 * 2**20), FailureReason.MEMORY_LIMIT),
        (SILENT, Limits(progress=3.0), FailureReason.TIMEOUT),
        (LOUD, Limits(output=2**20), FailureReason.OUTPUT_LIMIT),
    ],
)
def test_a_limit_ends_the_command_with_all_that_it_has_started(
    begin: Callable[[str, Limits], IsolatedWorker],
    program: str,
    limits: Limits,
    reason: FailureReason,
    tmp_path: Path,
) -> None:
    worker = begin(program, limits)
    with pytest.raises(WorkOverranError) as raised:
        worker.advance()
    assert raised.value.failure.reason is reason
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_what_a_command_prints_is_in_the_trials_log(
    begin: Callable[[str, Limits], IsolatedWorker], tmp_path: Path
) -> None:
    program = "import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nprint('{\"m\": 1}')\n"
    (report, *_) = begin(program, Limits()).advance()
    assert report.metrics == {"m": 1.0}
    log = (tmp_path / "study" / "logs" / "trial-00000.log").read_text()
    assert sorted(log.splitlines()) == ["to stderr", "to stdout", '{"m": 1}']
