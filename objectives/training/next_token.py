"""Next-token prediction as a model and a loss: a window of tokens in, its loss out, so that no logits are kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

Logits = Callable[[Tensor], Tensor]
"""Returns logits, (batch, steps, tokens), of the token after each of those given, (batch, steps)."""

OUTPUTS = 2
"""What a model answers for a window: nats and hits, each a token."""


@final
class NextToken(nn.Module):
    """A decoder with the loss of each window, (batch, 2), for windows of tokens (batch, context + 1)."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, windows: Tensor) -> Tensor:
        return measured(self.decoder(windows[:, :-1]), windows[:, 1:], training=self.training)


def measured(logits: Tensor, targets: Tensor, *, training: bool) -> Tensor:
    """Return nats and hits a token, (batch, 2), of logits (batch, steps, tokens) for what came, (batch, steps)."""
    logits = logits.float()
    nats = logits.logsumexp(dim=-1) - logits.gather(-1, targets[..., None])[..., 0]
    # Training looks at the loss only.
    guessed = torch.full_like(targets, -1) if training else logits.argmax(dim=-1)
    hits = (guessed == targets).to(nats.dtype)
    return torch.stack([nats.mean(dim=-1), hits.mean(dim=-1)], dim=-1)


def bits_per_byte(logits: Logits, ids: Sequence[int], context: int, num_bytes: int) -> float:
    """Return the bits that a model needs for tokens that stand for so many bytes, `context` of them at a time."""
    nats = 0.0
    for begin in range(0, len(ids) - 1, context):
        window = torch.tensor([ids[begin : begin + context + 1]])
        per_token, _ = measured(logits(window[:, :-1]), window[:, 1:], training=True)[0]
        nats += float(per_token) * (window.shape[1] - 1)
    return nats / math.log(2) / max(1, num_bytes)


def picking(temperature: float, seed: int) -> Callable[[Tensor], int]:
    """Return what picks a token by its logits, (tokens,), as `Model.generate` says.

    Raises `ConfigurationError` where the temperature is no number from 0.
    """
    if not 0 <= temperature < math.inf:
        raise ConfigurationError(f"temperature: {temperature:g} is not a number from 0")
    drawn = torch.Generator().manual_seed(seed)

    def pick(logits: Tensor) -> int:
        if temperature == 0:
            return int(logits.argmax())
        return int(torch.multinomial(torch.softmax(logits.float() / temperature, dim=-1), 1, generator=drawn))

    return pick


def continued(
    logits: Logits, ids: Sequence[int], pick: Callable[[Tensor], int], *, end: int, context: int, tokens: int
) -> list[int]:
    """Return so many tokens that are picked after others, fewer where `end` is; `context` are read at once.

    Raises `ConfigurationError` for a number of tokens below 0.
    """
    if tokens < 0:
        raise ConfigurationError(f"tokens: {tokens} is below 0")
    known = [*ids]
    while len(known) < len(ids) + tokens:
        following = pick(logits(torch.tensor([known[-context:]]))[0, -1])
        if following == end:
            break
        known.append(following)
    return known[len(ids) :]


@final
@dataclass(frozen=True)
class NextTokenLoss(Loss):
    """What `NextToken` has computed: the mean of a window's nats."""

    tasks = frozenset({Task.LANGUAGE})

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs[:, 0]
