"""Converts raw inputs into the tensor that a network reads."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from tuner.domain.errors import ConfigurationError


class Inputs(ABC):
    """From what a person has to what the network is given."""

    columns: tuple[str, ...] | None

    @abstractmethod
    def __call__(self, raw: Any) -> Tensor:
        """Return the examples as a tensor; raises `ConfigurationError` where they cannot be read."""

    def doubts(self, raw: Any) -> Sequence[str]:
        """Return what in raw inputs can be read, but is new to the model, one line each."""
        return ()

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the JSON form of all but the state."""

    @property
    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What was fitted."""

    @abstractmethod
    def example(self) -> Tensor:
        """Return two examples of arbitrary values, for their shape."""


@final
class TensorInputs(Inputs):
    """Inputs that a person has prepared: tensors or arrays of the shape and type of `example`, two or fewer of them."""

    columns = None

    def __init__(self, example: Tensor) -> None:
        self._example = example

    def __call__(self, raw: Any) -> Tensor:
        try:
            inputs = torch.as_tensor(raw.to_numpy() if hasattr(raw, "to_numpy") else raw, dtype=self._example.dtype)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ConfigurationError(f"the inputs are no {self._example.dtype} tensor: {error}") from error
        shape = self._example.shape[1:]
        if inputs.shape[1:] != shape or not len(inputs):
            read = ", ".join(map(str, ("rows", *shape)))
            raise ConfigurationError(f"the inputs have the shape {tuple(inputs.shape)}, and the model reads ({read})")
        return inputs.cpu()

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self._example.shape[1:]), "dtype": str(self._example.dtype).removeprefix("torch.")}

    @property
    def state(self) -> dict[str, Any]:
        return {"example": torch.zeros_like(self._example)}

    def example(self) -> Tensor:
        return self._example
