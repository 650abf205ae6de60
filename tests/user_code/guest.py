"""An objective that changes all of its process that a program can change, as people's programs do."""

import multiprocessing
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader, TensorDataset

import tuner
from tuner import Choice, Float, SearchSpace

space = SearchSpace(lr=Float(0, 1), dtype=Choice("float32", "float64"))

SETTINGS: dict[str, object] = {}
SIGNALS: list[int] = []


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    SETTINGS.update(trial.config)
    torch.set_default_dtype(getattr(torch, trial.config["dtype"]))
    os.environ["OF_THE_TRIAL"] = str(trial.number)
    signal.signal(signal.SIGUSR1, lambda number, _: SIGNALS.append(number))
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    rows = TensorDataset(torch.arange(4.0))
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(1) as workers:
        os.chdir(folder)
        for epoch in range(trial.epoch, trial.max_epochs):
            print(f"trial {trial.number} epoch {epoch}")  # noqa: T201 - what it prints is looked at
            os.kill(os.getpid(), signal.SIGUSR1)
            yield {
                "lr": float(str(SETTINGS["lr"])),
                "bits": 8.0 * torch.zeros(1).dtype.itemsize,
                "number": float(os.environ["OF_THE_TRIAL"]),
                "signals": float(len(SIGNALS)),
                "here": float(Path.cwd() == Path(folder).resolve()),
                "pool": float(workers.map(abs, [-7])[0]),
                "loader": float(sum(batch.sum() for (batch,) in DataLoader(rows, num_workers=2))),
            }
        os.chdir("/")
