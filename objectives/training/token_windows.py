"""Windows of tokens from a memory-mapped file: those of a step depend on the trial's seed and the step only."""

import mmap
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tuner.domain.seed import derive
from tuner.objectives.text.token_cache import TokenPart
from tuner.objectives.training.data import Examples, TrainingExamples

_WINDOWS_HELD = 64
"""After so many windows the process gives their pages back, of up to 2 MB each; the system's cache keeps them."""


@final
class TokenFile:
    """The tokens of one part, as many as there are on disk; only what was read lately is in memory."""

    def __init__(self, part: TokenPart) -> None:
        dtype = np.dtype(part.dtype)
        self._begin, self._count = part.begin, part.count
        self._held = 0
        with part.file.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._map.madvise(mmap.MADV_RANDOM)  # or the system reads far ahead of every window
        self._tokens = np.frombuffer(self._map, dtype=dtype)

    def __len__(self) -> int:
        return self._count

    def at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tokens at these places, (*places,)."""
        windows = places.reshape(-1, places.shape[-1])
        found = np.empty(windows.shape, dtype=np.int64)
        for begin in range(0, len(windows), _WINDOWS_HELD):
            here = slice(begin, begin + _WINDOWS_HELD)
            found[here] = self._tokens[windows[here] + self._begin]
            self._held += len(found[here])
            if self._held >= _WINDOWS_HELD:
                self._map.madvise(mmap.MADV_DONTNEED)
                self._held = 0
        return found.reshape(places.shape)


@final
class TokenWindows(TrainingExamples):
    """Windows of the training part: `context` tokens and the one behind them, anywhere in the documents that are kept.

    An epoch is `steps` steps. Documents lie one behind the other, those that filters leave out left out.
    """

    def __init__(
        self,
        tokens: TokenFile,
        *,
        context: int,
        steps: int,
        device: str,
        lengths: NDArray[np.int64] | None = None,
        kept: NDArray[np.bool_] | None = None,
    ) -> None:
        self._tokens, self._context, self._steps = tokens, context, steps
        self._device = torch.device(device)
        self._ends: NDArray[np.int64] | None = None
        self._moved: NDArray[np.int64] | None = None
        self._count = len(tokens)
        if lengths is not None and kept is not None and not kept.all():
            begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])[kept]
            self._ends = np.cumsum(lengths[kept])
            self._moved = begins - (self._ends - lengths[kept])
            self._count = int(self._ends[-1]) if len(self._ends) else 0

    def __len__(self) -> int:
        return self._count

    @property
    def device(self) -> torch.device:
        return self._device

    def epoch_steps(self, batch_size: int) -> int:
        return self._steps

    def order(self, seed: int, epoch: int, batch_size: int, generator: torch.Generator) -> Tensor:
        first = epoch * self._steps
        drawn = [self._starts(seed, step, batch_size) for step in range(first, first + self._steps)]
        return torch.from_numpy(np.concatenate(drawn))

    def _starts(self, seed: int, step: int, batch_size: int) -> NDArray[np.int64]:
        generator = np.random.Generator(np.random.Philox(key=derive(seed, "batch") % 2**64, counter=step << 64))
        return generator.integers(0, self._count - self._context, batch_size)

    def inputs(self, places: Tensor) -> Tensor:
        starts = places.cpu().numpy().astype(np.int64)
        found = self._tokens.at(self._physical(starts[..., None] + np.arange(self._context + 1)))
        return torch.from_numpy(found).to(self._device)

    def answers(self, places: Tensor) -> Tensor:
        return torch.zeros(places.shape, device=self._device)  # a window holds its own

    def _physical(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where tokens lie that are numbered among those of the documents that are kept."""
        if self._ends is None or self._moved is None:
            return places
        return np.asarray(places + self._moved[np.searchsorted(self._ends, places, side="right")])


def evaluation_windows(part: TokenPart, *, context: int, most: int, bytes_per_token: float, device: str) -> Examples:
    """Return windows that no two share a token to predict of, evenly spread over a part: `most` tokens at most."""
    tokens = TokenFile(part)
    available = (len(tokens) - 1) // context
    count = max(1, min(available, most // context))
    starts = np.linspace(0, available - 1, count).astype(np.int64) * context
    windows = torch.from_numpy(tokens.at(starts[:, None] + np.arange(context + 1)))
    return Examples(
        features=windows.to(device),
        targets=torch.zeros(count, device=device),
        measured=np.full(count, bytes_per_token),
    )
