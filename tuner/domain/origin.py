"""Where a trial's configuration came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from types import MappingProxyType
from typing import Any, final

from tuner.domain.config import Scalar


class OriginKind(Enum):
    """What proposed a configuration."""

    DEFAULT = "default"
    START = "start"
    """The study was asked to try it first."""
    WARM_START = "warm_start"
    """It is one of the best of an earlier study."""
    REPETITION = "repetition"
    """It is trained again, to confirm what a search found."""
    ADDED = "added"
    """`tuner add` or another program put it into the study."""
    STARTUP = "startup"
    """Drawn at random, since too little was known for the sampler's model."""
    RANDOM = "random"
    """Drawn at random, as the sampler does with all configurations or with a share of them."""
    PRIOR = "prior"
    """Drawn near the values that the space says are probably good."""
    MODEL = "model"
    """Chosen by the sampler's model of what was measured."""
    SEQUENCE = "sequence"
    """The next one of a sequence that does not depend on what was measured."""
    SAMPLER = "sampler"
    """Proposed by a sampler that does not say how."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Why a trial has its configuration, as it was known when the trial began.

    `sampler` is the one that proposed it, "" for the study's own. `observations` is how many trials it had learned
    from. Before it, so many proposals were `rejected`: they broke a rule, or had been tried. Where all of them were, it
    `is_drawn`: taken at random from what was left. `fixed` are the values, by path, that it had to have to train in its
    cohort. `study` and `number` are those of a warm start's earlier trial; of a start configuration, `number` is its
    place in the list.
    """

    kind: OriginKind
    sampler: str = ""
    observations: int | None = None
    rejected: int = 0
    is_drawn: bool = False
    fixed: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))
    study: str = ""
    number: int | None = None

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, without what is as usual."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "kind"}
        facts = {name: value for name, value in given.items() if value or (name in _MAY_BE_ZERO and value is not None)}
        if self.fixed:
            facts["fixed"] = dict(self.fixed)
        return {"kind": self.kind.value, **facts}

    @staticmethod
    def parsed(stored: Mapping[str, Any]) -> "Origin":
        """Return what `describe` described; raises `TypeError` or `ValueError` for anything else."""
        return Origin(**{**stored, "kind": OriginKind(stored["kind"])})


_MAY_BE_ZERO = ("observations", "number")
