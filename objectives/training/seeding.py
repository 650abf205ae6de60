"""The only place that touches global generators: torch's, and NumPy's and Python's, which a person's model may use."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from numpy.random import MT19937
from torch import Tensor
from torch.overrides import TorchFunctionMode

from tuner.domain.seed import derive

_SPARE = MT19937()
"""NumPy's global generator while a trial trains."""


@contextmanager
def weights_drawn(seed: int, device: str) -> Iterator[None]:
    """Make initial weights drawn inside those of the trial with this seed.

    NumPy's and Python's generators are left as they were; torch's are seeded again before anything else is drawn.
    """
    drawn = derive(seed, "weights")
    _seed(drawn, device)
    with _others_seeded(drawn):
        yield


@contextmanager
def epoch_drawn(seed: int, epoch: int, device: str) -> Iterator[None]:
    """Make what is drawn inside that of this epoch of the trial, from NumPy's and Python's generators too."""
    seed_epoch(seed, epoch, device)
    drawn = derive(seed, "epoch", epoch)
    python, numpy = random.getstate(), np.random.get_bit_generator()  # type: ignore[attr-defined]
    random.seed(drawn)
    np.random.set_bit_generator(_SPARE)  # type: ignore[attr-defined]  # to read and write NumPy's state takes as long as training a small model
    np.random.seed(drawn)  # noqa: NPY002 - the one that a person's model may use
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_bit_generator(numpy)  # type: ignore[attr-defined]


def seed_epoch(seed: int, epoch: int, device: str) -> None:
    """Make shuffling and dropout those of this epoch of the trial, whatever was drawn before.

    So a trial that continued from a checkpoint trains as if it had never stopped, and no generator is ever stored.
    """
    _seed(derive(seed, "epoch", epoch), device)


def seed_rank(seed: int, epoch: int, rank: int, device: str) -> None:
    """Make what is drawn in this epoch from now on that of a rank of the trial: dropout differs among the ranks."""
    if rank:
        _seed(derive(seed, f"rank {rank}", epoch), device)


def seed_step(seed: int, step: int, device: str) -> None:
    """Make what a model draws in a step the same whenever it takes it."""
    _seed(derive(seed, "step", step), device)


def of_epoch(seed: int, epoch: int) -> torch.Generator:
    """Return a generator whose first numbers are those that are drawn first after `seed_epoch`."""
    return torch.Generator().manual_seed(derive(seed, "epoch", epoch))


def order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order in which the trial sees so many examples in this epoch."""
    return torch.randperm(count, generator=of_epoch(seed, epoch))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leave every global generator as it was, whatever is drawn inside."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    python, numpy = drawn_elsewhere()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            _put_back(python, numpy)


@final
class OwnGenerators(TorchFunctionMode):
    """Counts how often torch's functions are given a generator of their own while this is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        self.count += given.get("generator") is not None
        return func(*args, **given)


def drawn_elsewhere() -> tuple[Any, Any]:
    """Return the states of Python's and of NumPy's generator: equal as long as nothing is drawn from them."""
    state: Any = np.random.get_state()  # noqa: NPY002
    name, keys, *rest = state
    return random.getstate(), (name, tuple(keys.tolist()), *rest)


def _put_back(python: Any, numpy: Any) -> None:
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _others_seeded(seed: int) -> Iterator[None]:
    python, numpy = drawn_elsewhere()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        _put_back(python, numpy)


def _seed(seed: int, device: str) -> None:
    # torch.manual_seed formats a stack trace per kind of device: as slow as evaluating a small model.
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        torch.cuda.manual_seed_all(seed)
