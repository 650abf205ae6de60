"""Maximal update parametrisation: the best learning rate stays as a model gets wider (Yang and Hu, 2021)."""

import math
from dataclasses import dataclass
from typing import final

from tuner.objectives.optimizers._optimizer import Family, TensorKind, TensorRole
from tuner.objectives.parametrisations._parametrisation import Growth, Parametrisation

__all__ = ["Mup"]


@final
@dataclass(frozen=True)
class Mup(Parametrisation):
    """Table 8 of Tensor Programs V (arXiv 2203.03466), equal to `standard` at the base width.

    Under Adam's family hidden matrices learn at 1 / width; under gradient descent inputs and outputs at the width. An
    orthogonal step that is as large as Adam's has a spectral norm that grows with the root of the width.
    """

    def role(self, kind: TensorKind, growth: Growth) -> TensorRole:
        if kind is TensorKind.HIDDEN:
            rates = ((Family.ADAPTIVE, 1 / growth.width), (Family.ORTHOGONAL, 1 / math.sqrt(growth.width)))
            return TensorRole(kind=kind, rates=rates)
        return TensorRole(kind=kind, rates=((Family.GRADIENT, growth.width),))

    def output_spread(self, growth: Growth) -> float:
        return math.sqrt(growth.width)

    def output_multiplier(self, growth: Growth) -> float:
        return 1 / growth.width
