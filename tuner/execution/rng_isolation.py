"""Random generators that user code shares with the whole process, kept apart for each trial."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from tuner.domain.seed import derive
from tuner.system.random_generators import generators


@final
class Randomness:
    """One trial's states of Python's, NumPy's and torch's global generators, whatever else draws in between.

    Seeded by the trial and the epoch it starts at, so that an objective that never thinks of seeds can be repeated.
    NumPy and torch count where the objective has imported them.
    """

    def __init__(self, seed: int, epoch: int) -> None:
        self._seed = derive(seed, "global", epoch)
        self._states: dict[str, Any] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the global generators be this trial's; what was there is put back afterwards."""
        before = {name: generator.read() for name, generator in generators()}
        for name, generator in generators():
            if name in self._states:
                generator.write(self._states[name])
            else:
                generator.seed(self._seed)
        try:
            yield
        finally:
            for name, generator in generators():
                self._states[name] = generator.read()
                if name in before:
                    generator.write(before[name])
