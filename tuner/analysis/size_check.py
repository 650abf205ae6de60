"""What is known of a transfer before its search: how activations grow with the size, and what the target costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

from tuner.analysis.drift import extrapolated, fitted_drift
from tuner.domain.size_probe import SizeProbe

STEADY = 0.25
"""By how much, in powers of 2 per doubling of the size, activations may change and be called steady."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How activations change as the size doubles, in powers of 2: as they are initially, and after some steps.

    In a parametrisation that transfers both are near 0 (Yang et al. 2022, "Tensor Programs V", section 9: the
    coordinate check); activations that shrink initially, as outputs do under muP, are no harm.
    """

    activation: str
    initially: float
    trained: float

    @property
    def is_steady(self) -> bool:
        """Whether steps of one learning rate move them no more in a larger model."""
        return self.trained <= STEADY


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCheck:
    """Probes at several sizes of the setting, and what they say of the target: bytes and seconds of its training."""

    setting: str
    steps: int
    probes: Mapping[int, SizeProbe]
    growth: tuple[Growth, ...]
    target: int
    target_weights: int
    target_bytes: int
    target_seconds: float

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "setting": self.setting,
            "steps": self.steps,
            "sizes": [{"size": size, **asdict(probe)} for size, probe in self.probes.items()],
            "growth": [{**asdict(each), "is_steady": each.is_steady} for each in self.growth],
            "target": {
                "size": self.target,
                "weights": self.target_weights,
                "bytes": self.target_bytes,
                "seconds": self.target_seconds,
            },
        }


def size_check(
    setting: str, steps: int, probes: Mapping[int, SizeProbe], target: tuple[int, SizeProbe], target_epochs: int
) -> SizeCheck:
    """Return what probes at two sizes or more say of a target, which was probed without a step."""
    sizes, found = [*probes], [*probes.values()]
    size, there = target
    target_steps = there.epoch_steps * target_epochs
    held = extrapolated(sizes, [probe.step_bytes for probe in found], size)
    names = [name for name in found[0].activations if all(min(probe.activations[name]) > 0 for probe in found)]
    return SizeCheck(
        setting=setting,
        steps=steps,
        probes=probes,
        growth=tuple(
            Growth(
                activation=name,
                initially=fitted_drift(sizes, [probe.activations[name][0] for probe in found], size).slope,
                trained=fitted_drift(sizes, [probe.activations[name][1] for probe in found], size).slope,
            )
            for name in names
        ),
        target=size,
        target_weights=there.weights,
        target_bytes=round(there.weights * found[-1].state_bytes / found[-1].weights + held),
        target_seconds=extrapolated(sizes, [probe.seconds for probe in found], size) * target_steps,
    )
