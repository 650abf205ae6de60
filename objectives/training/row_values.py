"""What each row contributes to a metric: numbers whose mean is the metric and whose spread is that of other rows.

A mean over rows has each row's own value. The others have infinitesimal-jackknife pseudo-values (B. Efron, The
Jackknife, the Bootstrap and Other Resampling Plans, 1982): the metric, plus the number of rows times its derivative by
the row's weight. For the area under the ROC curve these are the components of E. DeLong et al. (Comparing the areas
under two or more correlated receiver operating characteristic curves, 1988).
"""

import numpy as np

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.metrics import language, regression, roc_auc


def by_row(task: Task, metric: str, targets: Array, predictions: Array) -> Array:
    """Return a number for each row, (rows,), for any metric of the task but the loss.

    `predictions` are probabilities by class, or values, and finite.
    """
    if task is Task.LANGUAGE:
        return _of_windows(metric, targets, predictions)
    if task is Task.REGRESSION:
        return _of_values(metric, targets, predictions)
    if metric == "roc_auc":
        return _area(targets, predictions)
    if metric == "log_loss":
        given = predictions[np.arange(len(targets)), targets].astype(np.float64)
        return np.asarray(-np.log(given.clip(np.finfo(predictions.dtype).eps)))
    predicted = predictions.argmax(axis=1)
    if metric == "accuracy":
        return np.asarray(predicted == targets, dtype=np.float64)
    return _macro(metric, targets, predicted, predictions.shape[1])


def by_group(values: Array, groups: Array) -> Array:
    """Return a number for each group, (groups,), of values by row: of the same mean, and with the spread of groups.

    A mean over rows of few groups is as uncertain as its groups are: the linearised ratio of a cluster sample (W.
    Cochran, Sampling Techniques, 1977, chapter 9A).
    """
    _, place = np.unique(groups, return_inverse=True)
    mean, count = values.mean(), int(place.max()) + 1
    sums = np.bincount(place, weights=values - mean, minlength=count)
    return np.asarray(mean + sums * count / len(values))


def _macro(metric: str, targets: Array, predicted: Array, classes: int) -> Array:
    """Return the pseudo-values of precision, recall or F1, each a mean over classes of hits per count.

    A row's share of a class is what it adds to the hits less the ratio times what it adds to the count.
    """
    hits = np.bincount(targets[predicted == targets], minlength=classes)
    actual, claimed = (np.bincount(each, minlength=classes) for each in (targets, predicted))
    of_target, of_claim = {"recall": (1, 0), "precision": (0, 1), "f1": (0.5, 0.5)}[metric]
    count = np.maximum(of_target * actual + of_claim * claimed, 0.5)
    ratio, seen = hits / count, actual + claimed > 0
    added = (predicted == targets) / count[targets]
    share = added - of_target * (ratio / count)[targets] - of_claim * (ratio / count)[predicted]
    return np.asarray(ratio[seen].mean() + len(targets) * share / seen.sum())


def _area(targets: Array, scores: Array) -> Array:
    """Return the pseudo-values of the area under the ROC curve, one class against the others, averaged over classes."""
    rows, parts = len(targets), []
    for label in np.flatnonzero(np.bincount(targets, minlength=scores.shape[1])):
        inside = targets == label
        if inside.all():
            continue
        members, others = np.sort(scores[inside, label]), np.sort(scores[~inside, label])
        above = _share_below(others, scores[inside, label])
        below = 1 - _share_below(members, scores[~inside, label])
        part = np.empty(rows)
        part[inside] = rows * (above - above.mean()) / len(members)
        part[~inside] = rows * (below - below.mean()) / len(others)
        parts.append(part)
    area = roc_auc(targets, scores)
    return area + np.mean(parts, axis=0) if parts else np.full(rows, area)


def _share_below(ordered: Array, values: Array) -> Array:
    """Return how many of the ordered numbers lie below each value, as a share; equals count half."""
    both = ordered.searchsorted(values) + ordered.searchsorted(values, side="right")
    return np.asarray(both / (2 * len(ordered)))


def _of_windows(metric: str, bytes_per_token: Array, outputs: Array) -> Array:
    nats, hits = outputs.T
    if metric == "token_accuracy":
        return np.asarray(hits)
    if metric == "bits_per_byte":
        return np.asarray(nats / np.log(2) / bytes_per_token.mean())
    measured = language(bytes_per_token, outputs)["perplexity"]
    return np.asarray(measured * (1 + nats - nats.mean()))


def _of_values(metric: str, targets: Array, predictions: Array) -> Array:
    errors = predictions.astype(np.float64) - targets
    squares, measured = np.square(errors), regression(targets, predictions)
    if metric == "mae":
        return np.asarray(np.abs(errors))
    if metric == "mse":
        return np.asarray(squares)
    mse = measured["mse"]
    if metric == "rmse":
        return np.asarray(measured["rmse"] + (squares - mse) / (2 * measured["rmse"]) if mse > 0 else squares)
    variance = float(targets.var())
    if variance == 0:
        return np.full(len(targets), measured["r2"])
    spread = np.square(targets - targets.mean())
    return np.asarray(measured["r2"] - (squares - mse) / variance + mse * (spread - variance) / variance**2)
