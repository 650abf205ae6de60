"""What a scheduler answers to a report, and what it compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, final


class Decision(Enum):
    """Whether a trial continues."""

    CONTINUE = "continue"
    STOP = "stop"
    """Others are better: the trial is PRUNED."""
    FINISH = "finish"
    """More training would not help it: the trial is COMPLETE."""


class Yardstick(Enum):
    """What a trial's value was compared with."""

    BEST = "best"
    """The best values that were recorded at a rung: there are so many places among them."""
    FRONT = "front"
    """The places of the trials at a rung by all metrics, front after front: there are so many that continue."""
    CONSTRAINTS = "constraints"
    """How far the trials at a rung are beyond their constraints: those that keep them come before all others."""
    MEDIAN = "median"
    """The median of what the other trials had reached."""
    OWN = "own"
    """Its own best value: so many epochs as were `compared` brought none that is better than the one needed."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a decision about a trial was based on: its `value` at `rung`, and the one that was `needed` to continue.

    `compared` is how many values there were, the trial's own among them at a rung of successive halving, where the best
    `places` continue. With several metrics the value is the trial's place there, from 1; of a trial that
    breaks constraints it is by how much, as `Goal.excess` says. `decision` is what followed at
    this rung. The default configuration is never stopped, whatever was decided.
    """

    yardstick: Yardstick
    rung: int
    value: float
    needed: float
    compared: int
    places: int = 0
    decision: Decision

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "yardstick": self.yardstick.value, "decision": self.decision.value}

    @staticmethod
    def parsed(stored: Mapping[str, Any]) -> "Comparison":
        """Return what `describe` described; raises `TypeError`, `KeyError` or `ValueError` for anything else."""
        words = {"yardstick": Yardstick(stored["yardstick"]), "decision": Decision(stored["decision"])}
        return Comparison(**{**stored, **words})
