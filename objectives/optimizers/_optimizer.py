"""The port of an optimizer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, final

import torch
from torch import Tensor, nn


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerBatch:
    """Many trials just before a step: a row each.

    `weights`, `gradients` and what is remembered of every weight are (rows, weights). The optimizer's fields, with the
    learning rate of this step, are (rows, 1): `columns` to calculate with weights, and `numbers`, like what is
    remembered once, as 64-bit floats.
    """

    weights: Tensor
    gradients: Tensor
    memory: Mapping[str, Tensor]
    numbers: Mapping[str, Tensor]
    columns: Mapping[str, Tensor]


class Optimizer(ABC):
    """How weights follow their gradients."""

    lr: float
    """The learning rate that the lr_schedule scales."""
    clip: float
    """The largest norm a gradient may have; 0 leaves gradients as they are."""

    memory: ClassVar[tuple[str, ...]] = ()
    """What torch's optimizer remembers of every weight, by torch's names; zero at first."""
    tallies: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """What it remembers once, by torch's names, with the values at first."""

    @abstractmethod
    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's optimizer of these parameters; fused where torch can, which takes a third off a small step."""

    @staticmethod
    @abstractmethod
    def update(rows: OptimizerBatch) -> None:
        """Step many trials at once, in place, as torch's optimizer would each of them."""


def can_be_fused(parameters: Sequence[nn.Parameter]) -> bool:
    """Whether torch has one kernel for a step of all of these."""
    return all(parameter.is_floating_point() for parameter in parameters)
