"""What a confirmation says, in sentences: which claim each number is, and what to be careful of."""

from collections.abc import Iterator

from tuner.analysis.confirmation import Confirmation
from tuner.analysis.estimate import LEVEL, ROUNDING, Estimate
from tuner.analysis.queries import Summary
from tuner.formatting.values import number, signed


def worth(confirmation: Confirmation) -> Iterator[str]:
    """Yield what the answer is worth: the claim of its interval, the gain, and how much the search had flattered it."""
    winner, default = confirmation.winner, confirmation.default
    yield from _claim(winner.estimate)
    if default is winner:
        yield "it is the default configuration: nothing that was found is better in the mean"
    elif default is not None and confirmation.gain is not None:
        yield _gain(confirmation.gain, f"over the default configuration's {default.estimate}")
        if confirmation.test_gain is not None:
            yield _gain(confirmation.test_gain, "over it on the test split")
    bias = confirmation.optimism_bias
    if winner.search_value is not None and bias is not None:
        is_same = abs(bias) <= ROUNDING * abs(winner.search_value)
        how = "the same" if is_same else f"{number(abs(bias))} {'better' if bias > 0 else 'worse'} than that"
        yield f"the search had shown {number(winner.search_value)}, {how}"


def _claim(estimate: Estimate) -> Iterator[str]:
    if not estimate.is_known:
        return
    if not estimate.rows:
        yield f"{LEVEL:.0%} interval with another seed on these rows: what other rows would change is not known"
        return
    yield (
        f"{LEVEL:.0%} interval on new rows, from {estimate.rows} rows and {len(estimate.values)} seeds; "
        f"another seed on these rows changes the mean by {number(estimate.seed_margin)}"
    )


def _gain(gain: Estimate, over: str) -> str:
    if not gain.is_known:
        return f"{signed(gain.mean)} {over}"
    sure = "" if gain.low > 0 else ", so it may be no better"
    return f"{signed(gain.mean)} {over}: {signed(gain.low)} to {signed(gain.high)} at {LEVEL:.0%} {gain.claim}{sure}"


def warnings(summary: Summary, confirmation: Confirmation) -> Iterator[str]:
    """Yield what to be careful of: trainings that diverged or were all the same, a test split that was used again."""
    winner = confirmation.winner
    if winner.diverged:
        values = ", ".join(map(number, winner.diverged))
        yield (
            f"{len(winner.diverged)} of its {len(winner.estimate.values)} trainings did far worse than the others "
            f"({values}): train it more than once and keep the best"
        )
    measured = winner.estimate.values
    if len(measured) > 1 and len({*measured}) == 1 and not winner.estimate.rows:
        yield (
            "all of its trainings gave the same value, so the interval says nothing: where the objective draws "
            "numbers, let it draw them from trial.seed"
        )
    yield from looks(summary)


def looks(summary: Summary) -> Iterator[str]:
    """Yield how often the test split was looked at, from the second configuration on."""
    if len(summary.tested) > 1:
        trials = ", ".join(map(str, summary.tested))
        yield (
            f"the test split has measured {len(summary.tested)} winners by now (trials {trials}): the better of them "
            "is on the good side there too; only rows that no run has seen are fair"
        )
