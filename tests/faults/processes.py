"""Studies in processes of their own: how they are started, and what is waited for.

`TUNER_FAULTS=long` is the long form of all fault tests; `TUNER_FAULTS_SEED` chooses what happens when.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from commands import TEMPLATE, Command
from faults.invariants import trained

from tuner.cli.__main__ import main

IS_LONG = os.environ.get("TUNER_FAULTS") == "long"
SEED = int(os.environ.get("TUNER_FAULTS_SEED", "0"))
TARGET = 12
"""How many trials the study of `faulty.toml` has."""

USER_CODE = Path(__file__).parent.parent / "user_code"
ROOT = str(USER_CODE.parent.parent)

Process = Command | subprocess.Popen[str]


def start(*words: str, pause: float = 0.0) -> Command:
    """Start the command line with everything imported; an epoch of `faulty.py` takes `pause` seconds."""
    return TEMPLATE.start(*words, env={**os.environ, "PAUSE": str(pause)})


def start_anew(*words: str, pause: float = 0.0) -> subprocess.Popen[str]:
    """Start the command line as a person does, in an interpreter that has imported nothing."""
    command = [sys.executable, "-m", "tuner.cli", *words]
    environment = {**os.environ, "PAUSE": str(pause)}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_line(process: Process, part: str) -> str:
    """Return what the process has told until a line with `part` in it."""
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if part in line:
            return told
    raise AssertionError(told)


def wait_until_trained(folder: Path, epochs: int, process: Process) -> bool:
    """Wait until the objective is in the middle of an epoch; False where the process has ended before."""
    while not (folder / "trained.txt").exists() or sum(trained(folder).values()) < epochs:
        if process.poll() is not None:
            return False
        time.sleep(0.01)  # polling a file that another process writes: there is no event to await
    return True


def leader() -> None:
    """Be the command line, in a process that leads a group, and a session, of its own."""
    os.setsid()
    main()


LEADER = "faults.processes:leader"


def known_driver() -> None:
    """Be the command line, in a process whose id its trials know as $DRIVER."""
    os.environ["DRIVER"] = str(os.getpid())
    main()
