"""What some steps of training show of a model at one size, before anything is searched or trained there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SizeProbe:
    """A model at one size. Where no step was taken the first two are known, and all else is 0 or empty."""

    weights: int
    """How many numbers are trained."""
    epoch_steps: int
    """How many steps an epoch is."""
    state_bytes: int = 0
    """What training holds for as long as it lasts: weights, gradients and the optimizer's state."""
    step_bytes: int = 0
    """What a step holds for its gradients: the activations of what goes through the model at once."""
    seconds: float = 0.0
    """What a step took, the median."""
    activations: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """The root mean square of activations, by what they are, before the first step and after the last one."""
