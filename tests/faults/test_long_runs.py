"""Row 32: a study of many trials needs no more memory, files or processes at its end than at its beginning.

`TUNER_FAULTS=long` runs 2,000 trials under Ray and prints how fast the first and the last quarter were.
"""

import os
import subprocess
import sys
from pathlib import Path

from faults.processes import IS_LONG, ROOT

from tuner.domain.trial import TrialState
from tuner.storage.store import open_store

TRIALS, EXECUTOR = (2000, "ray") if IS_LONG else (300, "inline")

DRIVER = """
import os, sys
from pathlib import Path
from tuner.running import launch
from tuner.domain.event import EventKind, Listener

class Meter(Listener):
    finished = 0
    def notify(self, event):
        if event.kind is EventKind.FINISHED:
            Meter.finished += 1
            if Meter.finished % 50 == 0:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                files = len(os.listdir("/proc/self/fd"))
                processes = len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
                told = (pages * os.sysconf("SC_PAGE_SIZE") // 1024, files, processes)
                print(*told, file=sys.__stdout__, flush=True)

overrides = {"budget.trials": int(sys.argv[1]), "executor": sys.argv[2], "budget.epochs": 3}
launch.run("nothing.toml", overrides=overrides, listeners=lambda *_: [Meter()])
"""

OBJECTIVE = """
from tuner import Float, SearchSpace
space = SearchSpace(x=Float(0.0, 1.0))
def train(trial):
    for epoch in range(trial.max_epochs):
        yield {"accuracy": trial.config["x"]}
"""

STUDY = """
objective = "nothing:train"
search_space = "nothing:space"
metric = "accuracy"
sampler = "random"
"""


def test_memory_files_and_processes_stay_as_they_are(workplace: Path) -> None:
    (workplace / "nothing.py").write_text(OBJECTIVE)
    (workplace / "nothing.toml").write_text(STUDY)
    (workplace / "driver.py").write_text(DRIVER)
    command = [sys.executable, "driver.py", str(TRIALS), EXECUTOR]
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": ROOT}, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    rows = [tuple(map(int, line.split())) for line in ended.stdout.splitlines()]
    assert len(rows) == TRIALS // 50
    memory, files, processes = zip(*rows, strict=True)
    # Every trial is remembered: a few kilobytes each, for samplers, schedulers and resumption.
    assert memory[-1] - memory[1] < TRIALS * 10
    assert max(files[1:]) - min(files[1:]) <= 3
    assert max(processes[1:]) - min(processes[1:]) <= 1
    _, trials = open_store(None).read("nothing")
    assert [trial.number for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)] == [
        *range(TRIALS)
    ]
    if IS_LONG:
        ends = sorted(trial.finished for trial in trials if trial.finished)
        quarter = TRIALS // 4
        first, last = (ends[quarter] - ends[0]).total_seconds(), (ends[-1] - ends[-quarter - 1]).total_seconds()
        sys.stdout.write(
            f"\n{quarter / first:.0f} trials/s in the first quarter, {quarter / last:.0f} in the last; "
            f"memory {memory[1] // 1024} -> {memory[-1] // 1024} MiB, open files {files[1]} -> {files[-1]}\n"
        )
