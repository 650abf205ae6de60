"""The global random generators of this process: Python's, and NumPy's and torch's where they were imported."""

import random
import sys
from collections.abc import Iterator, Mapping
from typing import Any


class _Python:
    read, write, seed = staticmethod(random.getstate), staticmethod(random.setstate), staticmethod(random.seed)


class _NumPy:
    def __init__(self, numpy: Any) -> None:
        self.read, self.write, self.seed = numpy.random.get_state, numpy.random.set_state, numpy.random.seed


class _Torch:
    def __init__(self, torch: Any) -> None:
        # The generator itself: torch.manual_seed formats a stack trace for every kind of device.
        self.read, self.write = torch.get_rng_state, torch.set_rng_state
        self.seed = torch.default_generator.manual_seed


class _Cuda:
    def __init__(self, cuda: Any) -> None:
        self.read, self.write, self.seed = cuda.get_rng_state_all, cuda.set_rng_state_all, cuda.manual_seed_all


def generators() -> Iterator[tuple[str, Any]]:
    """Yield each generator by its name, with the functions `read`, `write` and `seed`."""
    yield "python", _Python
    if (numpy := sys.modules.get("numpy")) is not None:
        yield "numpy", _NumPy(numpy)
    if (torch := sys.modules.get("torch")) is not None:
        yield "torch", _Torch(torch)
        if torch.cuda.is_initialized():
            yield "cuda", _Cuda(torch.cuda)


def states() -> dict[str, Any]:
    """Return the states of all generators, of tuples, numbers, arrays and tensors."""
    return {name: generator.read() for name, generator in generators()}


def restore(kept: Mapping[str, Any]) -> None:
    """Let the generators continue from states that `states` gave; one whose library is not imported is left out."""
    for name, generator in generators():
        if name in kept and name != "cuda":
            generator.write(kept[name])
    torch = sys.modules.get("torch")
    if torch is not None and "cuda" in kept and torch.cuda.is_available():
        # Where CUDA is not initialised yet, torch sets them when it is.
        torch.cuda.set_rng_state_all(kept["cuda"][: torch.cuda.device_count()])
