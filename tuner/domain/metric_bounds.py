"""Between which values well-known metrics lie, by their names."""

import math
from collections.abc import Iterable
from itertools import pairwise

from tuner.domain.metric_directions import words_of

Bounds = tuple[float, float]
"""The least and the largest value that a metric can have."""

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

    >>> usual_bounds("val_accuracy", [0.9]), usual_bounds("accuracy", [98.5]), usual_bounds("rmse", [2.0])
    ((0.0, 1.0), (0.0, 100.0), (0.0, inf))
    """
    words, seen = _words(metric), [*values]
    possible = [(0.0, 1.0), (0.0, 100.0)] if words & _SHARES else [(0.0, math.inf)] * bool(words & _POSITIVE)
    fitting = (each for each in possible if all(each[0] <= value <= each[1] for value in seen))
    return next(fitting, (-math.inf, math.inf))


def power_of_mean_square(metric: str) -> float | None:
    """Return which power of a mean of squares the metric of this name is; None where the name says no such thing.

    >>> power_of_mean_square("val_rmse"), power_of_mean_square("mse"), power_of_mean_square("mae")
    (0.5, 1.0, None)
    """
    return next((power for word, power in _MEAN_SQUARES.items() if word in _words(metric)), None)


def is_log_loss(metric: str) -> bool:
    """Whether the name says that it is the negative logarithm of the probability given to the right class.

    >>> is_log_loss("val_log_loss"), is_log_loss("crossEntropy"), is_log_loss("loss")
    (True, True, False)
    """
    return bool(_words(metric) & _LOG_LOSSES)


def _words(metric: str) -> set[str]:
    named = words_of(metric)
    return {*named, *map("".join, pairwise(named))}  # log_loss is logloss
