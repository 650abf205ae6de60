"""A user's own objectives: small, quick, and wrong in all the ways there are."""

import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import tuner
from tuner import Choice, Float, SearchSpace

space = SearchSpace(
    x=Float(0.0, 1.0, default=0.2),
    shape=Choice(flat={}, steep={"slope": Float(1.0, 4.0, log=True)}),
)


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    """Approaches a value that depends on the configuration, a little noisy, the noise seeded."""
    state = trial.load()
    level = float(state["level"]) if state is not None else 0.0
    slope = trial.config["shape"].get("slope", 1.0)
    for epoch in range(trial.epoch, trial.max_epochs):
        noise = torch.rand(1, generator=torch.Generator().manual_seed(trial.seed + epoch)).item()
        level += (1 - (trial.config["x"] - 0.7) ** 2 - level) * (1 - math.exp(-slope)) + 0.01 * noise
        trial.save({"level": torch.tensor(level, dtype=torch.float64)})
        note(f"{trial.number} {epoch + 1}")
        pause()
        yield {"accuracy": level, "loss": 1 - level}


def note(line: str) -> None:
    """Append a line to the file that $NOTES names: what really was trained, written by the trainer."""
    if "NOTES" in os.environ:
        with Path(os.environ["NOTES"]).open("a") as file:
            file.write(line + "\n")


def pause() -> None:
    time.sleep(float(os.environ.get("PAUSE", "0")))


def raising(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    if trial.number % 2:
        raise RuntimeError("no such layer")
    yield {"accuracy": 0.5}


def always_raising(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


def strange(trial: tuner.Trial) -> Any:
    """Does something else wrong in every trial but the first."""
    wrong = [0.5, math.nan, math.inf, "high", None, torch.zeros(2), 10**400]
    if trial.number == len(wrong):
        return
    if trial.number == len(wrong) + 1:
        sys.exit(3)
    yield {"accuracy": wrong[trial.number % len(wrong)]}


def misnamed(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"acuracy": 0.5}
