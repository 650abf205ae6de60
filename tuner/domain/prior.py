"""Where a value probably lies, before anything was measured: the law that draws near a person's guess."""

from statistics import NormalDist

_SPREAD = 0.25
"""The standard deviation around a guess, as a share of the range (Mallik et al. 2023, appendix on priors)."""

_CHOSEN = 0.5
"""In which share of draws the option that is probably right is taken without a look at the others."""


def quantile_near(guess: float, quantile: float) -> float:
    """Return the quantile (0 to 1) of a normal law around `guess` that is cut off at both ends of the range.

    The law is that of Mallik et al. 2023, "PriorBand: Practical Hyperparameter Optimization in the Age of Deep
    Learning". Uniform quantiles become draws near the guess, most of them within a quarter of the range.

    The ends of the range are the ends exactly: the functions of the normal law differ in the last bit between machines.

    >>> [round(quantile_near(0.5, quantile), 3) for quantile in (0.25, 0.5, 0.75)]
    [0.34, 0.5, 0.66]
    >>> quantile_near(0.0, 0.0), quantile_near(0.0, 1.0)
    (0.0, 1.0)
    """
    if quantile in (0.0, 1.0):
        return quantile
    law = NormalDist(guess, _SPREAD)
    low, high = law.cdf(0.0), law.cdf(1.0)
    inside = low + quantile * (high - low)
    if not 0.0 < inside < 1.0:
        return min(1.0, max(0.0, inside))
    return min(1.0, max(0.0, law.inv_cdf(inside)))


def option_near(guess: int, count: int, quantile: float) -> int:
    """Return which of `count` options is drawn at `quantile` (0 to 1): half of them `guess`, the others any.

    >>> [option_near(2, 3, quantile) for quantile in (0.0, 0.4, 0.5, 0.7, 1.0)]
    [2, 2, 0, 1, 2]
    """
    if quantile < _CHOSEN:
        return guess
    return min(count - 1, int((quantile - _CHOSEN) / (1.0 - _CHOSEN) * count))
