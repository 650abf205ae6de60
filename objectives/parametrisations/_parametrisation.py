"""The port of a parametrisation."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from tuner.objectives.optimizers._optimizer import TensorKind, TensorRole


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How many times as wide and as deep a model is as its base."""

    width: float
    depth: float = 1.0


class Parametrisation(ABC):
    """What changes with a model's size, so that what was searched at one size is good at another."""

    @abstractmethod
    def role(self, kind: TensorKind, growth: Growth) -> TensorRole:
        """Return what a tensor of this kind is, with the factors of its learning rate."""

    def output_spread(self, growth: Growth) -> float:
        """Return what the initial weights that lead to the outputs are multiplied with, beside 1 / sqrt(width)."""
        return 1.0

    def output_multiplier(self, growth: Growth) -> float:
        """Return what a model's outputs are multiplied with."""
        return 1.0

    def residual_multiplier(self, growth: Growth) -> float:
        """Return what a residual block's part is multiplied with."""
        return 1.0
