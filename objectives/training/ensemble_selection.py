"""Which trained models are averaged: greedy forward selection with replacement (R. Caruana et al., 2004)."""

from collections.abc import Callable

import numpy as np

from tuner.objectives.datasets._dataset import Array

_MOST_PICKED = 25
"""How many are picked at most beyond those that are in from the start."""


def picked(predictions: Array, lead: int, loss: Callable[[Array], float]) -> tuple[int, ...]:
    """Return how often each model is in the average, of those with these predictions, (models, rows, ...).

    The first `lead` are in it from the start, once each. Whichever lowers the `loss` of the average most is added next,
    even one that is in already, and the average that was best on the way is the answer.
    """
    counts = np.zeros(len(predictions), dtype=int)
    counts[:lead] = 1
    total = predictions[:lead].sum(axis=0, dtype=np.float64)
    best, least = counts.copy(), loss(total / lead)
    for size in range(lead + 1, lead + 1 + _MOST_PICKED):
        losses = [loss((total + each) / size) for each in predictions]
        chosen = int(np.argmin(losses))
        counts[chosen] += 1
        total += predictions[chosen]
        if losses[chosen] < least:
            best, least = counts.copy(), losses[chosen]
    return tuple(best.tolist())
