"""What a study is after: its metrics, which way each is better, and the constraints that a trial has to meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from tuner.domain.constraint import Constraint
from tuner.domain.study import Direction

PARAMETERS = "parameters"
LATENCY_MS = "latency_ms"

OF_MODELS: Mapping[str, Direction] = MappingProxyType({PARAMETERS: Direction.MINIMIZE, LATENCY_MS: Direction.MINIMIZE})
"""Metrics of a model itself, which mean the same whatever it is trained for."""

_CONSTANT = frozenset({PARAMETERS})
"""Metrics that training does not change: the first report says them for good."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Metrics with their directions, the first before the others, and constraints.

    The first metric is the one that curves show, schedulers compare and a trial's best epoch is chosen by.
    """

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    constraints: tuple[Constraint, ...] = ()

    @staticmethod
    def of(metric: str, direction: Direction, *constraints: str) -> "Goal":
        """Return the goal of a single metric."""
        parsed = tuple(map(Constraint.parse, constraints))
        return Goal(metrics=(metric,), directions=(direction,), constraints=parsed)

    def __str__(self) -> str:
        aims = [f"{way.value} {metric}" for metric, way in zip(self.metrics, self.directions, strict=True)]
        return ", ".join([*aims, *map(str, self.constraints)])

    @property
    def metric(self) -> str:
        """The first metric."""
        return self.metrics[0]

    @property
    def direction(self) -> Direction:
        """Which way the first metric is better."""
        return self.directions[0]

    @property
    def has_several(self) -> bool:
        """Whether there is more than one metric, so that trials can be better in one and worse in another."""
        return len(self.metrics) > 1

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every metric that a report has to have, each once."""
        return tuple(dict.fromkeys((*self.metrics, *(each.metric for each in self.constraints))))

    def merits(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """Return the values of the goal's metrics, turned so that more is better."""
        return tuple(way.sign * metrics[name] for name, way in zip(self.metrics, self.directions, strict=True))

    def violated(self, metrics: Mapping[str, float]) -> tuple[Constraint, ...]:
        """Return the constraints that these metrics break; a metric that is not known breaks none."""
        known = (each for each in self.constraints if each.metric in metrics)
        return tuple(each for each in known if each.excess(metrics) > 0)

    def excess(self, metrics: Mapping[str, float]) -> float:
        """Return how far these metrics are beyond the constraints they break, in all; 0 where they break none."""
        return sum(each.excess(metrics) for each in self.violated(metrics))

    @property
    def settles_early(self) -> bool:
        """Whether a first report may already show that a trial breaks a constraint for good."""
        return any(each.metric in _CONSTANT for each in self.constraints)

    def broken_for_good(self, metrics: Mapping[str, float]) -> tuple[Constraint, ...]:
        """Return the constraints that these metrics break and that no training makes a trial meet."""
        return tuple(each for each in self.violated(metrics) if each.metric in _CONSTANT)
