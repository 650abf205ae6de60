"""The port of an encoding of a table's numbers."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import nn

from tuner.objectives.datasets._dataset import Array


class NumberEncoding(ABC):
    """How numbers are given to a model, once they are cleaned, transformed and scaled."""

    looks_at_training: ClassVar[bool] = False
    """Whether its layer takes something from the training split."""

    def layer(self, numbers: int, train: Array | None) -> nn.Module | None:
        """Return a layer that reads rows whose first columns are so many numbers; None where none is needed.

        `train` are these columns of the training split, (rows, numbers), from which a layer may take what it needs;
        None where the layer is given that with its weights.
        """
        return None

    @abstractmethod
    def width(self, numbers: int) -> int:
        """Return how many numbers the layer adds behind the row's own."""
