"""However many look at studies, one that runs goes on."""

import os
import subprocess
import sys

LOOKERS = """
import os
from contextlib import ExitStack
from tuner.cli._priority import priority
with ExitStack() as looking:
    for command in ("status", "run", "best", "watch", "list"):
        looking.enter_context(priority([command]))
        print(command, os.nice(0))
"""


def test_the_third_who_looks_at_once_gives_way() -> None:
    usual = os.nice(0)
    told = subprocess.run([sys.executable, "-c", LOOKERS], capture_output=True, text=True, check=True).stdout
    nice = {line.split()[0]: int(line.split()[1]) for line in told.splitlines()}
    assert nice["run"] == nice["watch"] == usual
    assert nice["list"] > usual
