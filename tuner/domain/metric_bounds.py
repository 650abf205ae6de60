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
_POSITIVE = frozenset(
    {
        *("rmse", "mse", "mae", "mape", "smape", "msle", "rmsle", "nrmse", "logloss", "crossentropy", "brier"),
        *("perplexity", "ppl", "bits", "bpb", "bpc", "wer", "cer", "ter"),
    }
)


def usual_bounds(metric: str, values: Iterable[float]) -> Bounds:
    """Return the bounds of the metric of this name; infinite ones where the name does not tell.

    Where one of `values` lies outside, the metric is another one than its name says, or is a percentage: up to 100.

    >>> usual_bounds("val_accuracy", [0.9]), usual_bounds("accuracy", [98.5]), usual_bounds("rmse", [2.0])
    ((0.0, 1.0), (0.0, 100.0), (0.0, inf))
    """
    named, seen = words_of(metric), [*values]
    words = {*named, *map("".join, pairwise(named))}  # log_loss is logloss
    possible = [(0.0, 1.0), (0.0, 100.0)] if words & _SHARES else [(0.0, math.inf)] * bool(words & _POSITIVE)
    fitting = (each for each in possible if all(each[0] <= value <= each[1] for value in seen))
    return next(fitting, (-math.inf, math.inf))
