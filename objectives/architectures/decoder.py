"""A transformer that predicts the next token: RMSNorm, rotary positions, SwiGLU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tuner.objectives._components import PARAMETRISATIONS
from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._attention import SelfAttention
from tuner.objectives.architectures._layers import Batchable, Dropout
from tuner.objectives.optimizers._optimizer import TensorKind, TensorRole
from tuner.objectives.parametrisations._parametrisation import Growth, Parametrisation

__all__ = ["Decoder"]

_EPSILON = 1e-6
_PERIOD = 10_000.0
_MULTIPLE = 8


@final
@dataclass(frozen=True)
class Decoder(Architecture):
    """A causal language model without biases and gains; `width` is rounded up to a multiple of `head_size`.

    `init` multiplies the initial weights and `out` the logits. A head's size is the same at all widths. What else
    depends on width and depth is said by its `parametrisation`, beside `base_width` and `base_depth`.
    """

    inputs = frozenset({Input.TOKENS})

    width: int = 64
    depth: int = 2
    head_size: int = 16
    init: float = 1.0
    out: float = 1.0
    dropout: float = 0.0
    parametrisation: str = "mup"
    base_width: int = 32
    base_depth: int = 2

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        width = -(-self.width // self.head_size) * self.head_size
        growth = Growth(width=width / self.base_width, depth=self.depth / self.base_depth)
        found: Parametrisation = PARAMETRISATIONS[self.parametrisation]()
        return DecoderModel(self, width, outputs, found, growth)


@final
class DecoderModel(nn.Module):
    """Logits of the next token, (batch, steps, tokens), for tokens (batch, steps)."""

    def __init__(
        self, sizes: Decoder, width: int, tokens: int, parametrisation: Parametrisation, growth: Growth
    ) -> None:
        super().__init__()
        self._parametrisation = parametrisation
        self._growth = growth
        residual = parametrisation.residual_multiplier(growth)
        self.embed = nn.Embedding(tokens, width)
        self.drop = Dropout(sizes.dropout)
        blocks = [_Block(width, sizes, residual) for _ in range(sizes.depth)]
        self.blocks = Blocks(*blocks)
        self.head = nn.Linear(width, tokens, bias=False)
        self.scale = _Scale(sizes.out * parametrisation.output_multiplier(growth))
        self._initialise(sizes)

    def _initialise(self, sizes: Decoder) -> None:
        for name, weight in self.named_parameters():
            kind, inputs = _kind(name), weight.shape[-1]
            spread = 1.0 if kind is TensorKind.INPUT else sizes.init / inputs**0.5
            if kind is TensorKind.OUTPUT:
                spread *= self._parametrisation.output_spread(self._growth)
            nn.init.normal_(weight, std=spread)

    def forward(self, tokens: Tensor) -> Tensor:
        found = _normalised(self.blocks(self.drop(self.embed(tokens))))
        logits: Tensor = self.scale(self.head(found))
        return logits

    def roles(self) -> Mapping[str, TensorRole]:
        """Return what each trained tensor is, by its name."""
        return {name: self._parametrisation.role(_kind(name), self._growth) for name, _ in self.named_parameters()}


def _kind(name: str) -> TensorKind:
    return {"embed": TensorKind.INPUT, "head": TensorKind.OUTPUT}.get(name.partition(".")[0], TensorKind.HIDDEN)


@final
class Blocks(Batchable, nn.Sequential):
    """Layers that a model which trains alone may compile, and compute twice.

    Where it `recomputes`, one layer at a time holds its activations, which are computed again for the gradients (Chen
    et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). All layers have one shape, so what is compiled where
    it `compiles` is compiled once.
    """

    recomputes = False
    compiles = False

    def forward(self, activations: Tensor) -> Tensor:
        is_alone = not self.batched
        called = _compiled() if self.compiles and is_alone else _called
        for layer in self:
            if self.recomputes and self.training and is_alone:
                activations = checkpoint(called, layer, activations, use_reentrant=False)
            else:
                activations = called(layer, activations)
        return activations


def _called(layer: nn.Module, activations: Tensor) -> Tensor:
    found: Tensor = layer(activations)
    return found


@cache
def _compiled() -> Callable[[nn.Module, Tensor], Tensor]:
    return torch.compile(_called, dynamic=False)  # imports for seconds


class _Block(nn.Module):
    def __init__(self, width: int, sizes: Decoder, residual: float) -> None:
        super().__init__()
        self.attend = SelfAttention(width, width // sizes.head_size, bias=False, is_causal=True, turned=_rotated)
        self.feed = _FeedForward(width)
        self.drop = Dropout(sizes.dropout)
        self.residual = _Scale(residual / (2 * sizes.base_depth) ** 0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.residual(self.drop(self.attend(_normalised(tokens))))
        added: Tensor = self.residual(self.drop(self.feed(_normalised(tokens))))
        return tokens + added


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = -(-8 * width // (3 * _MULTIPLE)) * _MULTIPLE
        self.open = nn.Linear(width, 2 * inner, bias=False)
        self.close = nn.Linear(inner, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        gate, value = self.open(tokens).chunk(2, dim=-1)
        closed: Tensor = self.close(functional.silu(gate) * value)
        return closed


@final
class _Scale(Batchable):
    """Multiplies by a number that is a buffer, so that trials of one cohort have their own."""

    factor: Tensor

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor), persistent=False)

    def forward(self, activations: Tensor) -> Tensor:
        return activations * self.factor


def _normalised(tokens: Tensor) -> Tensor:
    return tokens * (tokens.square().mean(dim=-1, keepdim=True) + _EPSILON).rsqrt()


def _rotated(heads: Tensor) -> Tensor:
    """Return queries or keys (..., steps, size) turned by angles that grow with their step (Su et al., 2021)."""
    # Compiled code computes them where it is compiled, and warns of what remembers results.
    turns = _turns.__wrapped__ if torch.compiler.is_compiling() else _turns
    cosine, sine = turns(heads.shape[-2], heads.shape[-1], heads.device)
    first, second = heads.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


@cache
def _turns(steps: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    speeds = _PERIOD ** (-torch.arange(size // 2, device=device) / (size // 2))
    angles = torch.arange(steps, device=device)[:, None] * speeds
    return angles.cos(), angles.sin()
