"""A training program that counts its own steps, draws as it likes, and saves with torch.save in a folder.

`KILLED` is `TRIAL:STEP:PLACE:WHOM`: at that place of that step, once, it kills the process of the study (`driver`) or
its own (`trial`).
"""

import os
import random
import signal
from pathlib import Path

import torch

import tuner
from tuner import Float, SearchSpace

space = SearchSpace(lr=Float(0.01, 0.5, log=True, default=0.1))


def train(trial: tuner.Trial) -> None:
    torch.manual_seed(trial.seed % 2**32)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=trial.config["lr"], momentum=0.9)
    step = 0
    if (folder := trial.load_folder()) is not None:
        state = torch.load(folder / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    while step < trial.max_epochs:
        inputs = torch.randn(8, 3) + random.random()
        loss = ((model(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        with trial.checkpoint(rng=True) as folder:
            torch.save(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, folder / "state.pt"
            )
            die(trial, step, "saving")
        die(trial, step, "saved")
        measured(float(loss.detach()), step)
        die(trial, step, "reported")


def measured(loss: float, step: int) -> None:
    """Report, as a callback does that has no trial at hand."""
    tuner.report(loss=loss, step=step)


def die(trial: tuner.Trial, step: int, place: str) -> None:
    number, at, where, whom = os.environ.get("KILLED", "-1:0::").split(":")
    once = Path(os.environ.get("MARKS", ".")) / f"killed-{number}-{at}-{where}-{whom}"
    if (int(number), int(at), where) == (trial.number, step, place) and not once.exists():
        once.touch()
        os.kill(int(os.environ.get("DRIVER", os.getpid())) if whom == "driver" else os.getpid(), signal.SIGKILL)
        signal.pause()
