"""The only place that touches torch's global generators."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tuner.domain.seed import derive


def seed_weights(seed: int, device: str) -> None:
    """Make the initial weights drawn next those of the trial with this seed."""
    _seed(derive(seed, "weights"), device)


def seed_epoch(seed: int, epoch: int, device: str) -> None:
    """Make shuffling and dropout those of this epoch of the trial, whatever was drawn before.

    So a trial that went on from a checkpoint trains as if it had never stopped, and no generator is ever stored.
    """
    _seed(derive(seed, "epoch", epoch), device)


@contextmanager
def unseen() -> Iterator[None]:
    """Let what is drawn inside be the same whenever it is, and leave no trace of it outside."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order in which the trial sees its examples in this epoch: what is drawn first after `seed_epoch`."""
    generator = torch.Generator().manual_seed(derive(seed, "epoch", epoch))
    return torch.randperm(count, generator=generator)


def _seed(seed: int, device: str) -> None:
    # torch.manual_seed formats a stack trace per kind of device: as slow as evaluating a small model.
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        torch.cuda.manual_seed_all(seed)
