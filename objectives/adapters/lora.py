"""Low-rank adapters: a frozen layer answers W x, and beside it alpha / rank * B A x is trained (Hu et al., 2021)."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from tuner.domain.errors import ConfigurationError

__all__ = ["Lora"]

ATTENTION, MLP, ALL = "attention", "mlp", "all"
MODULES = (ATTENTION, MLP, ALL)

_BLOCK = re.compile(r"\.(\d+)\.")


@final
@dataclass(frozen=True)
class Lora:
    """Adapters of one `rank` in chosen layers.

    `modules` are those of attention, those behind it (`mlp`), or all of a block; `layers` is the share of the blocks
    that have adapters, counted from the outputs. `dropout` leaves out a share of what an adapter is shown.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    modules: str = ALL
    layers: float = 1.0

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Return those of the names of layers, such as `model.layers.3.self_attn.q_proj`, that have an adapter.

        Raises `ConfigurationError` where none has.
        """
        blocks = {name: int(found[1]) for name in names if (found := _BLOCK.search(f".{name}."))}
        count = max(blocks.values(), default=-1) + 1
        first = count - math.ceil(self.layers * count)
        chosen = [name for name, block in blocks.items() if block >= first and self._is_meant(name)]
        if not chosen:
            raise ConfigurationError(f"adapter: the base has no layers of {self.modules!r} in numbered blocks")
        return chosen

    def _is_meant(self, name: str) -> bool:
        return self.modules == ALL or (self.modules == ATTENTION) == any("att" in part for part in name.split("."))
