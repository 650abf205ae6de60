"""What a trial has to meet to be of any use, however good it is: `parameters <= 100000`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import final

_FORM = re.compile(r"(?P<metric>.*?[^\s<>=!])\s*(?P<relation><=|>=)\s*(?P<bound>[^<>=].*)")
_EXAMPLE = "write it as: parameters <= 100000"
_EXACT = 2**53
"""Up to here a float has every whole number."""


class Relation(Enum):
    """On which side of its bound a metric has to be."""

    AT_MOST = "<="
    AT_LEAST = ">="


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound that a metric has to keep to."""

    metric: str
    relation: Relation
    bound: float

    @staticmethod
    def parse(text: str) -> "Constraint":
        """Return the constraint that `text` says; raises `ValueError` with the rest of a sentence about it.

        >>> str(Constraint.parse("parameters<=1e5"))
        'parameters <= 100000'
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"is not a constraint; {_EXAMPLE}")
        try:
            bound = float(found["bound"])
        except ValueError:
            raise ValueError(f"compares with {found['bound']!r}, which is not a number; {_EXAMPLE}") from None
        if not math.isfinite(bound):
            raise ValueError(f"compares with {bound}, which bounds nothing; {_EXAMPLE}")
        return Constraint(metric=found["metric"], relation=Relation(found["relation"]), bound=bound)

    def excess(self, metrics: Mapping[str, float]) -> float:
        """Return how far beyond its bound the metric is: at most 0 where the constraint is met.

        As a share of the bound, so that the excesses of different metrics can be added.
        """
        distance = metrics[self.metric] - self.bound
        signed = distance if self.relation is Relation.AT_MOST else -distance
        return signed / abs(self.bound) if self.bound else signed

    def __str__(self) -> str:
        is_whole = float(self.bound).is_integer() and abs(self.bound) < _EXACT
        return f"{self.metric} {self.relation.value} {int(self.bound) if is_whole else self.bound}"


def as_constraint(constraint: Constraint | str) -> Constraint:
    """Return the constraint, which may be given as text."""
    return constraint if isinstance(constraint, Constraint) else Constraint.parse(constraint)
