"""Nothing changes but the initial weights, by 1 / sqrt(inputs), as is usual."""

from dataclasses import dataclass
from typing import final

from tuner.objectives.optimizers._optimizer import TensorKind, TensorRole
from tuner.objectives.parametrisations._parametrisation import Growth, Parametrisation

__all__ = ["Standard"]


@final
@dataclass(frozen=True)
class Standard(Parametrisation):
    """The best learning rate falls as a model gets wider, by about a factor of 2 a doubling under Adam."""

    def role(self, kind: TensorKind, growth: Growth) -> TensorRole:
        return TensorRole(kind=kind)
