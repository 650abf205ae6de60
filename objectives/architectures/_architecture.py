"""The port of an architecture."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import nn

from tuner.objectives._tasks import Input


class Architecture(ABC):
    """The shape of a model, before its sizes at both ends are known."""

    inputs: ClassVar[frozenset[Input]]
    """What it can read. Written out in the member, which is read without being imported."""

    @abstractmethod
    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return a model from (batch, *shape) to (batch, outputs): logits, or predicted values.

        Its initial weights come from torch's global generator.
        """


def with_layer(
    layer: Callable[[], nn.Module | None], architecture: Architecture, shape: tuple[int, ...], outputs: int
) -> nn.Module:
    """Return an architecture's model behind the layer that reads its inputs, where there is one."""
    first = layer()
    model = architecture.build(shape, outputs)
    return model if first is None else nn.Sequential(first, model)
