"""An objective that goes wrong in a way of its own in every trial but the first."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import tuner
from tuner import Float, SearchSpace

space = SearchSpace(x=Float(0.0, 1.0, default=0.2))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        trial.save({"epoch": epoch})
        WAYS[trial.number](epoch)
        yield {"accuracy": trial.config["x"]}


def fine(epoch: int) -> None:
    pass


def sleep(epoch: int) -> None:
    time.sleep(1000)


def spin(epoch: int) -> None:
    os.nice(19)  # what else runs here meanwhile is to have the processor
    while True:
        pass


def ignore_sigterm(epoch: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)


def start_a_process(epoch: int) -> None:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    time.sleep(1000)


def print_200_megabytes(epoch: int) -> None:
    for _ in range(2000):
        sys.stdout.write("x" * 100_000)
    time.sleep(1000)


def grow(epoch: int) -> None:
    block = b"x" * 2**30
    time.sleep(1000 + len(block))


def run_out_of_memory(epoch: int) -> NoReturn:
    raise MemoryError("1 TiB is too much")


def die_once(epoch: int) -> None:
    died = Path("died")
    if epoch == 1 and not died.exists():
        died.touch()
        die(epoch)


def die(epoch: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


WAYS: tuple[Callable[[int], None], ...] = (
    fine,
    sleep,
    spin,
    ignore_sigterm,
    start_a_process,
    print_200_megabytes,
    grow,
    run_out_of_memory,
    die_once,
    die,
)
"""What each trial does."""
