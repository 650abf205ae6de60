"""What a study has behind it when a run of it begins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

from tuner.domain.batching import Batching
from tuner.domain.trial import Metrics, TrialRecord


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """The trials that are stored, and what is known of them; of a new study nothing."""

    trials: Sequence[TrialRecord] = ()
    """In the order of their numbers; unfinished ones are handed out first and continue where they were recorded."""
    metrics: Mapping[int, Mapping[int, Metrics]] = field(default_factory=lambda: MappingProxyType({}))
    """Every metric that the unfinished ones reported, by trial number and epoch."""
    tested: Collection[int] = ()
    """The numbers of those that were tested."""
    foreign: Collection[int] = ()
    """Those that another program added with parameters of its own: nothing is learned of them."""
    batching: Batching = field(default_factory=Batching)
    """How much was trained in batches."""
    assignments_issued: int = 0
    """How many assignments earlier parts of this run have handed out."""
