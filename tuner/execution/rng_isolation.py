"""Random generators that user code shares with the whole process, kept apart for each trial."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from tuner.domain.seed import derive


@final
class Randomness:
    """What one trial draws from Python's, NumPy's and torch's global generators, whoever draws in between.

    Seeded by the trial and the epoch it starts at, so that an objective that never thinks of seeds can be repeated.
    NumPy and torch count where the objective has imported them.
    """

    def __init__(self, seed: int, epoch: int) -> None:
        self._seed = derive(seed, "global", epoch)
        self._states: dict[str, Any] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the global generators be this trial's; what was there is put back afterwards."""
        before = {name: generator.read() for name, generator in _generators()}
        for name, generator in _generators():
            if name in self._states:
                generator.write(self._states[name])
            else:
                generator.seed(self._seed)
        try:
            yield
        finally:
            for name, generator in _generators():
                self._states[name] = generator.read()
                if name in before:
                    generator.write(before[name])


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


def _generators() -> Iterator[tuple[str, Any]]:
    yield "python", _Python
    if (numpy := sys.modules.get("numpy")) is not None:
        yield "numpy", _NumPy(numpy)
    if (torch := sys.modules.get("torch")) is not None:
        yield "torch", _Torch(torch)
        if torch.cuda.is_initialized():
            yield "cuda", _Cuda(torch.cuda)
