"""Layers that several architectures share."""

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "mish": nn.Mish,
    "selu": nn.SELU,
}


class Batchable(nn.Module):
    """A layer that computes in another way where many trials' models run as one, under `torch.func.vmap`.

    vmap has no rule for what torch computes alone here, or a slow one.
    """

    batched = False


@final
class Dropout(Batchable):
    """Leaves out a share of activations; the share is a buffer, so that trials of one cohort have their own."""

    share: Tensor
    idle = False
    """Whether no member of the cohort has dropout."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share
        self.register_buffer("share", torch.tensor(share), persistent=False)

    def forward(self, activations: Tensor) -> Tensor:
        if not self.training or self.idle:
            return activations
        if not self.batched:
            return functional.dropout(activations, self._share)
        return dropped_out(activations, self.share)


def dropped_out(activations: Tensor, share: Tensor, drawn_for: Sequence[int] | None = None) -> Tensor:
    """Return the activations without a random share of them, which may be a row's own, and the others scaled up.

    Numbers are drawn for the shape `drawn_for`, that of the activations where they differ everywhere.
    """
    shape = activations.shape if drawn_for is None else torch.Size(drawn_for)
    # Whole numbers of 16 bits are drawn four at a time, decide as well as real ones, and compare faster.
    quarter = activations.new_empty(-(-shape.numel() // 4), dtype=torch.int64)
    drawn = torch.randint_like(quarter, -(2**63), 2**63 - 1)
    numbers = drawn.view(torch.int16)[: shape.numel()].view(shape)
    least = ((share - 0.5) * 2**16).clamp(max=2**15 - 1).to(torch.int16)
    # Where all are left out there is nothing to scale.
    scale = torch.where(share < 1, 1 / (1 - share), 0.0)
    return activations * ((numbers >= least) * scale)


def vector_normalisation(name: str, width: int) -> nn.Module:
    """Return the normalisation of (batch, width)."""
    layers: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
    return layers[name](width)


@final
class Embedded(nn.Module):
    """Reads the first `numbers` columns of a table as they are, and the others as codes: each becomes its vector.

    (batch, columns) becomes (batch, numbers + categories * dimension). The codes in `empty` begin as zeros.
    """

    def __init__(self, *, numbers: int, codes: int, dimension: int, empty: Sequence[int]) -> None:
        super().__init__()
        self._numbers = numbers
        self.vectors = nn.Embedding(codes, dimension)
        with torch.no_grad():
            self.vectors.weight[list(empty)] = 0.0

    def forward(self, rows: Tensor) -> Tensor:
        vectors: Tensor = self.vectors(rows[:, self._numbers :].long())
        return torch.cat([rows[:, : self._numbers], vectors.flatten(1)], dim=1)


@final
class PiecewiseLinear(nn.Module):
    """Adds to each row how far its first numbers lie in ranges: 0 before a range, 1 beyond it, linear in it.

    (batch, columns) becomes (batch, columns + numbers * ranges). `edges`, (numbers, ranges + 1), grow along each row;
    a range without a width is 0 everywhere.
    """

    low: Tensor
    rate: Tensor

    def __init__(self, edges: Tensor) -> None:
        super().__init__()
        widths = edges.diff(dim=1)
        has_width = widths >= torch.finfo(widths.dtype).tiny  # the inverse of a smaller one is infinite
        self.register_buffer("low", edges[:, :-1].clone())
        self.register_buffer("rate", torch.where(has_width, 1 / widths, 0.0))

    def forward(self, rows: Tensor) -> Tensor:
        return in_ranges(rows, self.low, self.rate)


def in_ranges(rows: Tensor, low: Tensor, rate: Tensor) -> Tensor:
    """Return rows, (..., columns), with how far their first numbers lie in ranges, (..., numbers, ranges)."""
    numbers = rows[..., : low.shape[-2], None]
    return torch.cat([rows, ((numbers - low) * rate).clamp(0, 1).flatten(-2)], dim=-1)


@final
class Periodic(nn.Module):
    """Adds to each row what it makes of waves of its first numbers.

    (batch, columns) becomes (batch, columns + numbers * outputs).
    """

    def __init__(self, numbers: int, waves: int, outputs: int, spread: float) -> None:
        super().__init__()
        self.frequency = nn.Parameter(spread * torch.randn(numbers, waves))
        self.phase = nn.Parameter(math.pi * (2 * torch.rand(numbers, waves) - 1))
        bound = waves**-0.5
        self.weight = nn.Parameter(bound * (2 * torch.rand(numbers, waves, outputs) - 1))
        self.bias = nn.Parameter(bound * (2 * torch.rand(numbers, outputs) - 1))

    def forward(self, rows: Tensor) -> Tensor:
        return with_waves(rows, self.frequency, self.phase, self.weight, self.bias)


def with_waves(rows: Tensor, frequency: Tensor, phase: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return rows, (..., columns), with what `Periodic` makes of their first numbers."""
    numbers = rows[..., : frequency.shape[-2], None]
    waves = torch.cos(2 * math.pi * frequency * numbers + phase)
    outputs = (waves[..., None, :] @ weight).squeeze(-2) + bias
    return torch.cat([rows, outputs.flatten(-2)], dim=-1)


class ImageRows(nn.Module):
    """Reads an image from top to bottom: (batch, channels, height, width) becomes (batch, height, channels * width)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.transpose(1, 2).flatten(2)


def as_sequence(shape: tuple[int, ...]) -> tuple[nn.Module, int, int]:
    """Return what turns an input of this shape into a sequence, its steps, and the features of each."""
    if len(shape) == 2:  # noqa: PLR2004  steps and features already
        return nn.Identity(), shape[0], shape[1]
    channels, height, width = shape
    return ImageRows(), height, channels * width
