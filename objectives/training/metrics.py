"""What is measured on a split, from predictions only.

Written out in NumPy: scikit-learn's functions check their input for longer than a small model trains. Predictions that
are not finite make every metric NaN; a class without examples counts for nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tuner.domain.study import Direction
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array

LOSS = "loss"

DIRECTIONS: Mapping[Task, Mapping[str, Direction]] = MappingProxyType(
    {
        Task.CLASSIFICATION: {
            "accuracy": Direction.MAXIMIZE,
            "precision": Direction.MAXIMIZE,
            "recall": Direction.MAXIMIZE,
            "f1": Direction.MAXIMIZE,
            "roc_auc": Direction.MAXIMIZE,
            "log_loss": Direction.MINIMIZE,
            LOSS: Direction.MINIMIZE,
        },
        Task.REGRESSION: {
            "mse": Direction.MINIMIZE,
            "rmse": Direction.MINIMIZE,
            "mae": Direction.MINIMIZE,
            "r2": Direction.MAXIMIZE,
            LOSS: Direction.MINIMIZE,
        },
        Task.LANGUAGE: {
            "bits_per_byte": Direction.MINIMIZE,
            "perplexity": Direction.MINIMIZE,
            "token_accuracy": Direction.MAXIMIZE,
            LOSS: Direction.MINIMIZE,
        },
    }
)
"""Every metric of a task and which way it is better."""


def measure(task: Task, targets: Array, predictions: Array) -> dict[str, float]:
    """Return all metrics of the task but the loss.

    `predictions` are probabilities by class, values, or the outputs that `language` takes.
    """
    if not np.isfinite(predictions).all():
        return dict.fromkeys((name for name in DIRECTIONS[task] if name != LOSS), float("nan"))
    if task is Task.LANGUAGE:
        return language(targets, predictions)
    return classification(targets, predictions) if task is Task.CLASSIFICATION else regression(targets, predictions)


def language(bytes_per_token: Array, outputs: Array) -> dict[str, float]:
    """Return the metrics of windows of one length: `outputs` are a window's nats and hits a token, (windows, 2).

    `bytes_per_token`, (windows,), is what makes tokenizers comparable.
    """
    nats, hits = outputs.mean(axis=0)
    with np.errstate(over="ignore"):  # of a model that diverged
        return {
            "bits_per_byte": float(nats / np.log(2) / bytes_per_token.mean()),
            "perplexity": float(np.exp(nats)),
            "token_accuracy": float(hits),
        }


def classification(targets: Array, probabilities: Array) -> dict[str, float]:
    """Return the metrics of a classifier; precision, recall and f1 are averages over classes (macro)."""
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    right, actual, claimed = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    seen = actual + claimed > 0
    return {
        "accuracy": float(right.sum() / len(targets)),
        "precision": float((right / np.maximum(claimed, 1))[seen].mean()),
        "recall": float((right / np.maximum(actual, 1))[seen].mean()),
        "f1": float((2 * right / np.maximum(actual + claimed, 1))[seen].mean()),
        "roc_auc": roc_auc(targets, probabilities),
        "log_loss": log_loss(targets, probabilities),
    }


def roc_auc(targets: Array, scores: Array) -> float:
    """Return how often an example of a class scores above one of another class, averaged over classes.

    Ties count half. Classes that no example, or every example, belongs to are left out; 0.5 where that is all of them.
    """
    areas = []
    for label in np.flatnonzero(np.bincount(targets, minlength=scores.shape[1])):
        inside = targets == label
        members, others = scores[inside, label], np.sort(scores[~inside, label])
        if len(others):
            above = others.searchsorted(members).sum() + others.searchsorted(members, side="right").sum()
            areas.append(above / (2 * len(members) * len(others)))
    return float(np.mean(areas)) if areas else 0.5


def log_loss(targets: Array, probabilities: Array) -> float:
    """Return the mean negative logarithm of the probability given to the right class."""
    given = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(given.clip(np.finfo(probabilities.dtype).eps)).mean())


def regression(targets: Array, predictions: Array) -> dict[str, float]:
    """Return the metrics of a regressor, in the units of the targets."""
    errors = predictions.astype(np.float64) - targets
    mse = float(np.square(errors).mean())
    return {"mse": mse, "rmse": mse**0.5, "mae": float(np.abs(errors).mean()), "r2": _r2(mse, float(targets.var()))}


def _r2(mse: float, variance: float) -> float:
    if variance == 0:
        return 1.0 if mse == 0 else 0.0
    return 1 - mse / variance
