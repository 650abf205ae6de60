"""Maximal update in width and depth: residual blocks count 1 / depth (Dey et al., 2025)."""

from dataclasses import dataclass
from typing import final

from tuner.objectives.optimizers._optimizer import TensorKind, TensorRole
from tuner.objectives.parametrisations._parametrisation import Growth, Parametrisation
from tuner.objectives.parametrisations.mup import Mup

__all__ = ["CompleteP"]


@final
@dataclass(frozen=True)
class CompleteP(Parametrisation):
    """CompleteP (arXiv 2505.01618) with alpha = 1, for Adam's family: rates as in `mup` at every depth."""

    def role(self, kind: TensorKind, growth: Growth) -> TensorRole:
        return Mup().role(kind, growth)

    def output_spread(self, growth: Growth) -> float:
        return Mup().output_spread(growth)

    def output_multiplier(self, growth: Growth) -> float:
        return Mup().output_multiplier(growth)

    def residual_multiplier(self, growth: Growth) -> float:
        return 1 / growth.depth
