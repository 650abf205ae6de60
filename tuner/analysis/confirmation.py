"""What a study's answer is worth: the best configurations trained again, and what their repetitions say.

The best of many noisy values is too good. Repetitions have seeds of their own and nothing was chosen by them, so their
mean is what to expect of a configuration, and their spread how much a training differs from the next.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from statistics import fmean, median_low, variance
from typing import final

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.ranking import ranked
from tuner.domain.study import Direction
from tuner.domain.trial import Metrics, TrialRecord, TrialState
from tuner.formatting.values import number

LEVEL = 0.95
"""How often an interval is to hold the true mean."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and the interval that holds the true one at `LEVEL`, from these values; infinite for a single value."""

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def margin(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        """Return the mean and its margin as people read them, such as `0.9889 ± 0.0031`."""
        mean = number(self.mean)
        return f"{mean} ± {self.margin:.4f}" if 0 < self.margin < math.inf else mean

    def describe(self) -> dict[str, object]:
        """Return the JSON form; bounds that are not known are None."""
        known = math.isfinite(self.margin)
        low, high = (self.low, self.high) if known else (None, None)
        return {"mean": self.mean, "low": low, "high": high, "values": list(self.values)}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A configuration that was trained again: the search's trial `number`, which had measured `search_value`.

    `failed` of its repetitions gave no value.
    """

    number: int
    config: Config
    estimate: Estimate
    search_value: float | None
    failed: int
    repetitions: tuple[TrialRecord, ...] = field(repr=False)

    @property
    def complete(self) -> tuple[TrialRecord, ...]:
        """The repetitions that gave a value."""
        return tuple(each for each in self.repetitions if each.state is TrialState.COMPLETE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the repetitions of a study's best configurations say; `candidates` come best first, the `winner` leads.

    `gain` is how much better the winner is than the default configuration, None where it is the default itself.
    `optimism_bias` is how much better than the winner's mean the search had shown it; None where it had shown no value.
    Both are positive that way whichever way the metric is better. `metrics` are the winner's where trials are compared,
    and `test` those on data that nothing was chosen by.
    """

    candidates: tuple[Candidate, ...]
    winner: Candidate
    default: Candidate | None
    gain: Estimate | None
    optimism_bias: float | None
    metrics: Mapping[str, Estimate]
    test: Mapping[str, Estimate]

    def candidate(self, number: int) -> Candidate | None:
        """Return the candidate that is the search's trial `number`; None where that was not trained again."""
        return next((each for each in self.candidates if each.number == number), None)

    def describe(self) -> dict[str, object]:
        """Return the JSON form, without configurations."""
        return {
            "winner": self.winner.number,
            "level": LEVEL,
            "gain": self.gain.describe() if self.gain else None,
            "flattery": self.optimism_bias,
            "metrics": {name: estimate.describe() for name, estimate in self.metrics.items()},
            "test": {name: estimate.describe() for name, estimate in self.test.items()},
            "candidates": [
                {
                    "number": each.number,
                    "search_value": each.search_value,
                    "failed": each.failed,
                    **each.estimate.describe(),
                }
                for each in self.candidates
            ],
        }


def confirmation_of(
    trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord], goal: Goal
) -> Confirmation | None:
    """Return what `repetitions` say of the search's `trials`; None where no configuration has a value yet.

    All intervals hold at once (Bonferroni), so that of the best does too although it was chosen for its mean. The
    spread is what most candidates have, or the candidate's own where that is larger: so few as five values may happen
    to lie close together. The winner meets the `goal`'s constraints where any candidate does.
    """
    # By number, as they are stored: of equals the first is the winner, also while they finish in another order.
    groups = _grouped(trials, sorted(repetitions, key=lambda each: each.number))
    measured = {number: _values(group) for number, group in groups.items()}
    measured = {number: values for number, values in measured.items() if values}
    if not measured:
        return None
    spread = _Spread(list(measured.values()))
    searched = {trial.number: trial for trial in trials}
    candidates = [
        Candidate(
            number=number,
            config=searched[number].config,
            estimate=spread.estimate(values),
            search_value=searched[number].value,
            failed=sum(each.state is TrialState.FAIL for each in groups[number]),
            repetitions=tuple(groups[number]),
        )
        for number, values in measured.items()
    ]
    direction, usable = goal.direction, {trial.number for trial in ranked(trials, goal)}
    # What breaks a constraint comes last, and before it what failed now and then.
    candidates.sort(
        key=lambda each: (
            each.number not in usable,
            -len(each.estimate.values),
            -direction.sign * each.estimate.mean,
        )
    )
    winner = candidates[0]
    default = next((each for each in candidates if each.number == 0), None)
    return Confirmation(
        candidates=tuple(candidates),
        winner=winner,
        default=default,
        gain=spread.gain(winner, default, direction) if default is not None and default is not winner else None,
        optimism_bias=_flattery(winner, direction),
        # The metric that it was chosen by has the interval that allows for the choice.
        metrics={
            name: winner.estimate if name == goal.metric else each
            for name, each in _estimates([each.metrics for each in winner.complete]).items()
        },
        test=_estimates([each.test_metrics for each in winner.repetitions if each.test_metrics is not None]),
    )


def _flattery(winner: Candidate, direction: Direction) -> float | None:
    if winner.search_value is None:
        return None
    return direction.sign * (winner.search_value - winner.estimate.mean)


def _grouped(trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord]) -> dict[int, list[TrialRecord]]:
    """Return the repetitions by the number of the search's first trial that has their configuration."""
    groups: dict[int, list[TrialRecord]] = {}
    for repetition in repetitions:
        number = next((trial.number for trial in trials if trial.config == repetition.config), None)
        if number is not None:
            groups.setdefault(number, []).append(repetition)
    return groups


def _values(repetitions: Sequence[TrialRecord]) -> tuple[float, ...]:
    done = (each for each in repetitions if each.state is TrialState.COMPLETE)
    return tuple(each.value for each in done if each.value is not None)


def _estimates(measured: Sequence[Metrics]) -> Mapping[str, Estimate]:
    """Return an estimate of every metric that all of these have."""
    names = [name for name in measured[0] if all(name in metrics for metrics in measured)] if measured else []
    columns = {name: tuple(metrics[name] for metrics in measured) for name in names}
    return {name: _Spread([values]).estimate(values) for name, values in columns.items()}


@final
class _Spread:
    """How far repetitions lie apart, over all candidates, and the intervals that follow."""

    def __init__(self, groups: Sequence[Sequence[float]]) -> None:
        repeated = [values for values in groups if len(values) > 1]
        self._candidates = len(groups)
        self._degrees = sum(len(values) - 1 for values in repeated)
        self._variance = _common_variance(repeated) if repeated else math.inf

    def estimate(self, values: Sequence[float]) -> Estimate:
        """Return the mean of one candidate's values with its interval."""
        error = math.sqrt(self._of(values) / len(values))
        return self._around(fmean(values), error, self._candidates, tuple(values))

    def gain(self, winner: Candidate, default: Candidate, direction: Direction) -> Estimate:
        """Return how much better the winner's mean is than the default's, with its interval."""
        ours, theirs = winner.estimate.values, default.estimate.values
        mean = direction.sign * (fmean(ours) - fmean(theirs))
        error = math.sqrt(self._of(ours) / len(ours) + self._of(theirs) / len(theirs))
        return self._around(mean, error, max(1, self._candidates - 1), ())

    def _of(self, values: Sequence[float]) -> float:
        own = variance(values) if len(values) > 1 else 0.0
        return max(own, self._variance)

    def _around(self, mean: float, error: float, comparisons: int, values: tuple[float, ...]) -> Estimate:
        if not self._degrees:
            return Estimate(mean=mean, low=-math.inf, high=math.inf, values=values)
        margin = _student(1 - (1 - LEVEL) / (2 * comparisons), self._degrees) * error
        return Estimate(mean=mean, low=mean - margin, high=mean + margin, values=values)


def _common_variance(groups: Sequence[Sequence[float]]) -> float:
    """Return the variance that these groups have in common: their median, so that an erratic one does not count.

    A variance from few values is more often too small than too large, so their median is too: the divisor is what it
    would be if all were one (Wilson and Hilferty 1931). Values that all agree say nothing of it.
    """
    scattered = [values for values in groups if variance(values) > 0]
    if len(scattered) < 2:  # noqa: PLR2004 - there is no middle
        return max(map(variance, groups))
    return median_low(variance(values) / (1 - 2 / (9 * (len(values) - 1))) ** 3 for values in scattered)


def _student(share: float, degrees: int) -> float:
    """Return the value below which Student's t lies with probability `share`."""
    # Imported only for studies with repetitions: it costs other queries a third of their time.
    return float(import_module("scipy.special").stdtrit(degrees, share))
