"""Between which values well-known metrics lie, by their names."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from tuner.domain.metric_directions import words_of


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the largest value that a metric can have, and which `power` of a mean of squares it is, if any."""

    low: float = -math.inf
    high: float = math.inf
    power: float | None = None

    @property
    def width(self) -> float:
        """How far apart they are; infinite where one of them is."""
        return self.high - self.low

    def hold(self, value: float) -> bool:
        """Whether the value lies between them."""
        return self.low <= value <= self.high


UNBOUNDED = Bounds()

_SHARES = frozenset(
    {
        *("accuracy", "acc", "precision", "recall", "sensitivity", "specificity"),
        *("f1", "f2", "fbeta", "fscore", "auc", "auroc", "auprc", "aucpr", "prauc", "roc"),
        *("iou", "miou", "dice", "jaccard", "ndcg", "mrr"),
    }
)
_MEAN_SQUARES = {"mse": 1.0, "msle": 1.0, "rmse": 0.5, "rmsle": 0.5, "nrmse": 0.5}
_LOG_LOSSES = frozenset({"logloss", "crossentropy"})
_POSITIVE = _LOG_LOSSES | frozenset(
    {
        *("rmse", "mse", "mae", "mape", "smape", "msle", "rmsle", "nrmse", "brier"),
        *("perplexity", "ppl", "bits", "bpb", "bpc", "wer", "cer", "ter"),
    }
)


def usual_bounds(metric: str, values: Iterable[float]) -> Bounds:
    """Return the bounds of the metric of this name; infinite ones where the name does not tell.

    Where one of `values` lies outside, the metric is another one than its name says, or is a percentage: up to 100.

    >>> usual_bounds("val_accuracy", [0.9])
    Bounds(low=0.0, high=1.0, power=None)
    >>> usual_bounds("accuracy", [98.5])
    Bounds(low=0.0, high=100.0, power=None)
    >>> usual_bounds("rmse", [2.0])
    Bounds(low=0.0, high=inf, power=0.5)
    """
    seen = [*values]
    return next((each for each in _of_words(_words(metric)) if all(map(each.hold, seen))), UNBOUNDED)


def _of_words(words: set[str]) -> tuple[Bounds, ...]:
    if words & _SHARES:
        return Bounds(0.0, 1.0), Bounds(0.0, 100.0)
    power = next((power for word, power in _MEAN_SQUARES.items() if word in words), None)
    return (Bounds(0.0, math.inf, power),) if words & _POSITIVE else ()


def is_log_loss(metric: str) -> bool:
    """Whether the name says that it is the negative logarithm of the probability given to the right class.

    >>> is_log_loss("val_log_loss"), is_log_loss("crossEntropy"), is_log_loss("loss")
    (True, True, False)
    """
    return bool(_words(metric) & _LOG_LOSSES)


def _words(metric: str) -> set[str]:
    named = words_of(metric)
    return {*named, *map("".join, pairwise(named))}  # log_loss is logloss
