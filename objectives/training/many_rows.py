"""Models that compute many rows at once by themselves, where `vmap` cannot, or not as fast."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tuner.objectives.architectures._layers import Batchable


class ManyRows(Batchable, ABC):
    """A model that is given the tensors of all rows: what it holds beside them is the same for all, and held once."""

    @property
    def num_weights(self) -> int:
        """How many weights are trained, without those that only make all rows alike."""
        return sum(parameter.numel() for parameter in self.parameters())

    @abstractmethod
    def rows(
        self,
        tensors: Mapping[str, Tensor],
        inputs: Tensor,
        columns: Mapping[Any, Tensor],
        *,
        training: bool,
        draws_same: bool,
    ) -> Tensor:
        """Return the outputs, (rows, batch, outputs), for inputs (rows, batch, *shape).

        `tensors` has all parameters and buffers by name, with a leading dimension of rows. A row alone is computed by
        the same lines. `columns` is empty: what varies is a buffer.
        """
