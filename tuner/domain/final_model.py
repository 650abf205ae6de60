"""A trained model, or several whose answers are averaged, as one that is judged and handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from tuner.domain.model import Model
from tuner.domain.row_values import RowValues


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Rows to which the model gave about the same probability of their most probable class.

    `probability` is the mean of it, and `share` how many of the `rows` were of that class.
    """

    rows: int
    probability: float
    share: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SplitScores:
    """What a model measures on one split: its metrics, and what each row contributes to the study's own.

    Of a classifier `raw_log_loss` is the log loss before its probabilities were calibrated, and `reliability` the table
    of those after it.
    """

    metrics: Mapping[str, float]
    rows: RowValues | None = field(default=None, repr=False)
    raw_log_loss: float | None = None
    reliability: tuple[ReliabilityBin, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FinalModel:
    """A model with what it measures on the validation split, and on the test split where there is one.

    `metric` is the one that its values by row are of, and `judged_by` the one by which models are picked, of which less
    is better. It has so many `weights` in all, and needs `latency_ms`
    milliseconds to answer for one row once that is prepared. `calibration` is what was fitted on the validation split,
    as JSON; empty for values.
    """

    model: Model
    metric: str
    judged_by: str
    validation: SplitScores
    test: SplitScores | None
    weights: int
    latency_ms: float
    calibration: Mapping[str, Any]
