"""The port of an optimizer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import nn


class Optimizer(ABC):
    """How weights follow their gradients."""

    lr: float
    """The learning rate that the lr_schedule scales."""
    clip: float
    """The largest norm a gradient may have; 0 leaves gradients as they are."""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's optimizer of these parameters; fused where torch can, which takes a third off a small step."""
