"""The objective of `isolation.py`: a program that changes all of its process that a program can change.

Its numbers are those of a program of its own only if no other trial's are in reach.
"""

import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import getcontext
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from tuner import Choice, Float, SearchSpace, Trial

space = SearchSpace(lr=Float(0, 1), dtype=Choice("float32", "float64"), digits=Choice(5, 9, 17))

SETTINGS: dict[str, object] = {}
STEPS: list[int] = []


def train(trial: Trial) -> Iterator[dict[str, float]]:
    SETTINGS.update(trial.config)
    os.environ["OF_THE_TRIAL"] = str(trial.number)
    torch.set_default_dtype(getattr(torch, trial.config["dtype"]))
    torch.manual_seed(trial.seed)
    getcontext().prec = trial.config["digits"]
    signal.signal(signal.SIGUSR1, lambda *_: STEPS.append(-1))
    # One in the group, and one that has left it: neither is waited for.
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        weight = torch.nn.Parameter(torch.randn(3))
        optimizer = torch.optim.SGD([weight], lr=trial.config["lr"])
        rows = TensorDataset(torch.randn(8, 3))
        for epoch in range(trial.epoch, trial.max_epochs):
            print(f"trial {trial.number} epoch {epoch}")
            STEPS.append(epoch)
            os.kill(os.getpid(), signal.SIGUSR1)
            for (batch,) in DataLoader(rows, batch_size=4, shuffle=True, num_workers=2):
                optimizer.zero_grad()
                torch.autograd.backward((batch @ weight).square().mean())
                optimizer.step()
            yield {
                "m": float(weight.detach().square().sum()),
                "lr": float(str(SETTINGS["lr"])),
                "bits": float(torch.zeros(1).dtype.itemsize * 8),
                "digits": float(getcontext().prec),
                "steps": float(len(STEPS)),
                "here": float(Path.cwd() == Path(folder).resolve()),
                "number": float(os.environ["OF_THE_TRIAL"]),
                "drawn": random.random() + float(np.random.rand()),  # noqa: NPY002 - the generator that all share
            }
        os.chdir("/")
