"""What is stored of a trial beside its record: read for one trial at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from tuner.domain.decision import Comparison
from tuner.domain.trial import Metrics


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialHistory:
    """All that a trial measured, and what it was compared with, both by the epoch of the report.

    `decisions` of trials that were trained before tuner stored them are empty.
    """

    metrics: Mapping[int, Metrics]
    decisions: Mapping[int, tuple[Comparison, ...]]
