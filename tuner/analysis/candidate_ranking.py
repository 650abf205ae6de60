"""Which configuration that was trained again is the best: by means that are shrunk where trainings are few."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance

_LEAST_SPREAD = 0.1
"""How far candidates are taken to differ where their means show no difference: a share of the variance of seeds."""


def shrunken_means(groups: Mapping[int, Sequence[float]], seed_variance: float) -> Mapping[int, float]:
    """Return each candidate's mean, moved towards the mean of all as far as chance may have moved it away.

    The empirical Bayes estimate (B. Efron and C. Morris, Data analysis using Stein's estimator, 1975): the fewer
    trainings a candidate has, the farther it is moved, so a single lucky one does not win over five good ones. Of
    candidates with equally many trainings the order is that of their means.
    """
    means = {number: fmean(values) for number, values in groups.items()}
    if len(means) == 1 or not 0 < seed_variance < math.inf:
        return means
    errors = {number: seed_variance / len(values) for number, values in groups.items()}
    spread = max(variance(means.values()) - fmean(errors.values()), _LEAST_SPREAD * seed_variance)
    middle = fmean(means.values(), weights=[1 / (spread + error) for error in errors.values()])
    return {number: middle + (mean - middle) * spread / (spread + errors[number]) for number, mean in means.items()}
