"""The objective of the fault tests: tiny, seeded, with checkpoints, and it writes down what it trains."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tuner
from tuner import Choice, Float, SearchSpace

space = SearchSpace(x=Float(0.0, 1.0, default=0.2), kind=Choice("flat", "steep"))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    state = trial.load()
    level = float(state["level"][0]) if state is not None else 0.0
    steepness = 0.5 if trial.config["kind"] == "steep" else 0.25
    for epoch in range(trial.epoch, trial.max_epochs):
        level += (1 - (trial.config["x"] - 0.7) ** 2 - level) * steepness
        trial.save({"level": np.array([level])})
        write_down(f"{trial.number} {epoch + 1}\n")
        time.sleep(float(os.environ.get("PAUSE", "0")))
        yield {"accuracy": level}


def write_down(line: str) -> None:
    handle = os.open(Path(os.environ["TRAINED"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, line.encode())
    os.fsync(handle)
    os.close(handle)
