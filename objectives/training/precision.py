"""Floating-point precision of the forward pass."""

from contextlib import AbstractContextManager, nullcontext
from enum import Enum

import torch


class Precision(Enum):
    """What matrices are multiplied in; weights, losses and updates have 32 bits whatever it is."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    """Half the memory traffic, and on newer devices many times the speed."""

    def forward_on(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the context of one forward pass.

        Not of more: it keeps the weights it has rounded, and an update would not be seen.
        """
        if self is Precision.FLOAT32:
            return nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)
