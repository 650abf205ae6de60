"""The port of a loss."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from tuner.objectives._tasks import Task


class Loss(ABC):
    """How wrong a model is on each example."""

    tasks: ClassVar[frozenset[Task]]
    """What it is for. Written out in the member, which is read without being imported."""

    @abstractmethod
    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return one loss per example; `outputs` is (batch, outputs), `targets` the classes or values (batch,).

        Where many trials are trained at once, their examples make one batch, and the real numbers among the fields may
        be tensors (batch,): each example is measured with its own trial's.
        """

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return what the outputs of a classifier trained with this loss say of each class; each row sums to 1."""
        return outputs.softmax(dim=-1)
