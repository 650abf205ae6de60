"""The port of an optimizer."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

Parameters = Sequence[nn.Parameter] | Sequence[dict[str, Any]]
"""Parameters as torch's optimizers take them: all alike, or in groups with options of their own."""


class Family(Enum):
    """What the size of an optimizer's step depends on, which decides how its rate scales with a model's width."""

    GRADIENT = "gradient"
    """The gradient's size."""
    ADAPTIVE = "adaptive"
    """No size: each weight's step is about as large as the rate."""
    ORTHOGONAL = "orthogonal"
    """No size: each matrix's step is orthogonal, scaled to be as large as an adaptive one."""


class TensorKind(Enum):
    """What a trained tensor does in a model of growing width."""

    INPUT = "input"
    """From a fixed number of inputs to the width, such as an embedding."""
    HIDDEN = "hidden"
    """A matrix from width to width."""
    OUTPUT = "output"
    """From the width to a fixed number of outputs."""
    VECTOR = "vector"
    """No matrix, such as a bias."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRole:
    """What a trained tensor is, and by what the learning rate is multiplied for it under each family of optimizers."""

    kind: TensorKind
    rates: tuple[tuple[Family, float], ...] = ()

    def rate(self, family: Family) -> float:
        """Return the factor of the learning rate, 1 where none is given."""
        return dict(self.rates).get(family, 1.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPart:
    """Where a trained tensor lies among the weights of a row, its shape, and what it is."""

    begin: int
    shape: tuple[int, ...]
    kind: TensorKind

    @property
    def here(self) -> slice:
        """The tensor's weights in a row."""
        return slice(self.begin, self.begin + math.prod(self.shape))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerBatch:
    """Many trials just before a step: a row each.

    `weights`, `gradients` and what is remembered of every weight are (rows, weights). The optimizer's fields, with the
    learning rate of this step, are (rows, 1): `columns` to calculate with weights, and `numbers`, like what is
    remembered once, as 64-bit floats. Where tensors have rates of their own, `scale` (1, weights) is what the rate is
    multiplied with, as the rate in `columns` has been already, and `columns` are (rows, weights) where that matters.
    `parts` are the tensors that lie in a row.
    """

    weights: Tensor
    gradients: Tensor
    memory: Mapping[str, Tensor]
    numbers: Mapping[str, Tensor]
    columns: Mapping[str, Tensor]
    scale: Tensor | None = None
    parts: Sequence[TensorPart] = ()

    def scaled(self, sizes: Tensor) -> Tensor:
        """Return (rows, 1) sizes of steps, which were made of `numbers`, as each tensor's own."""
        return sizes if self.scale is None else sizes * self.scale


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
    family: ClassVar[Family] = Family.ADAPTIVE
    decoupled: ClassVar[bool] = False
    """Whether weights shrink by `lr * weight_decay` a step: by as much where a tensor's rate is scaled."""

    @abstractmethod
    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """Return torch's optimizer of these parameters; fused where torch can, which takes a third off a small step."""

    @staticmethod
    @abstractmethod
    def update(rows: OptimizerBatch) -> None:
        """Step many trials at once, in place, as torch's optimizer would each of them."""


def can_be_fused(parameters: Parameters) -> bool:
    """Whether torch has one kernel for a step of all of these."""
    return all(parameter.is_floating_point() for parameter in flat(parameters))


def flat(parameters: Parameters) -> list[nn.Parameter]:
    """Return the parameters, in their order, whether they are in groups or not."""
    found: list[nn.Parameter] = []
    for each in parameters:
        found += each["params"] if isinstance(each, dict) else [each]
    return found


def grouped(parameters: Sequence[nn.Parameter], roles: Sequence[TensorRole], rule: Optimizer) -> list[dict[str, Any]]:
    """Return the parameters as the optimizer's groups, those that follow each other in one role together.

    So a parameter has the number that it has without groups. A group's `rate` multiplies the learning rate.
    """
    return [
        _group([parameter for parameter, _ in run], role, rule)
        for role, run in groupby(zip(parameters, roles, strict=True), key=itemgetter(1))
    ]


def _group(parameters: list[nn.Parameter], role: TensorRole, rule: Optimizer) -> dict[str, Any]:
    rate = role.rate(rule.family)
    decay = {"weight_decay": getattr(rule, "weight_decay", 0.0) / rate} if rule.decoupled else {}
    return {"params": parameters, "rate": rate, "kind": role.kind.value, **decay}
