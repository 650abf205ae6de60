"""Self-attention that runs alone and for all members of a cohort."""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.objectives.architectures._layers import Batchable


@final
class SelfAttention(Batchable):
    """Attention of (batch, steps, width) to itself; where it is causal, of each step to none after it.

    `turned` changes queries and keys, (batch, heads, steps, width of a head), as rotary positions do.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        bias: bool = True,
        is_causal: bool = False,
        turned: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width, bias=bias)
        self.merge = nn.Linear(width, width, bias=bias)
        self._is_causal = is_causal
        self._turned = turned

    def forward(self, tokens: Tensor) -> Tensor:
        batch, steps, width = tokens.shape
        split = self.project(tokens).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        if self._turned is not None:
            query, key = self._turned(query), self._turned(key)
        # The fused kernel has no rule for vmap on a CPU, and falls back to a loop.
        attend = _attended if self.batched else functional.scaled_dot_product_attention
        attended = attend(query, key, value, is_causal=self._is_causal)
        merged: Tensor = self.merge(attended.transpose(1, 2).reshape(batch, steps, width))
        return merged


def _attended(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    scores: Tensor = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if is_causal:
        steps = query.shape[-2]
        later = torch.ones(steps, steps, dtype=torch.bool, device=query.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
    return scores.softmax(dim=-1) @ value
