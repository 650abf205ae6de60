"""What a study's answer is worth: the best configurations trained again, and what their repetitions say.

The best of many noisy values is too good. Repetitions have seeds of their own and nothing was chosen by them, so their
mean is what to expect of a configuration, and their spread how much a training differs from the next. What each row of
data contributes to the metric says how much it would differ on other rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import final

from tuner.analysis.candidate import Candidate, as_tested, complete, row_error, row_error_of_difference
from tuner.analysis.candidate_ranking import shrunken_means
from tuner.analysis.difference import welch
from tuner.analysis.estimate import LEVEL, NO_ROWS, Estimate, estimate
from tuner.analysis.seed_noise import SeedNoise
from tuner.domain.goal import Goal
from tuner.domain.metric_bounds import usual_bounds
from tuner.domain.ranking import ranked
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the repetitions of a study's best configurations say; `candidates` come best first, the `winner` leads.

    `gain` is how much better the winner is than the default configuration, None where it is the default itself.
    `optimism_bias` is how much better than the winner's mean the search had shown it; None where it had shown no value.
    Both are positive that way whichever way the metric is better. `metrics` are the winner's where trials are compared,
    `test` those on data that nothing was chosen by, and `test_gain` is the gain there.
    """

    candidates: tuple[Candidate, ...]
    winner: Candidate
    default: Candidate | None
    gain: Estimate | None
    optimism_bias: float | None
    metrics: Mapping[str, Estimate]
    test: Mapping[str, Estimate]
    test_gain: Estimate | None = None

    def shown(self, metric: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the winner's metrics on the validation and the test part as text, for the study's `metric`."""
        main = self.test.get(metric)
        return (
            {name: each.beside(self.winner.estimate) for name, each in self.metrics.items()},
            {name: str(each) if main is None else each.beside(main) for name, each in self.test.items()},
        )

    def candidate(self, number: int) -> Candidate | None:
        """Return the candidate that is the search's trial `number`; None where that was not trained again."""
        return next((each for each in self.candidates if each.number == number), None)

    def describe(self) -> dict[str, object]:
        """Return the JSON form, without configurations."""
        return {
            "winner": self.winner.number,
            "level": LEVEL,
            "gain": self.gain.describe() if self.gain else None,
            "test_gain": self.test_gain.describe() if self.test_gain else None,
            "flattery": self.optimism_bias,
            "metrics": {name: each.describe() for name, each in self.metrics.items()},
            "test": {name: each.describe() for name, each in self.test.items()},
            "candidates": [
                {
                    "number": each.number,
                    "search_value": each.search_value,
                    "failed": each.failed,
                    "diverged": list(each.diverged),
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
    winner meets the `goal`'s constraints where any candidate does.
    """
    # By number, as they are stored: of equals the first is the winner, also while they finish in another order.
    groups = _grouped(trials, sorted(repetitions, key=lambda each: each.number))
    noise = SeedNoise([_values(group) for group in groups.values() if _values(group)])
    candidates = _ranked([*_candidates(trials, groups, goal, noise)], trials, goal, noise)
    if not candidates:
        return None
    winner = candidates[0]
    default = next((each for each in candidates if each.number == 0), None)
    rival = None if default is winner else default
    return Confirmation(
        candidates=tuple(candidates),
        winner=winner,
        default=default,
        gain=None if rival is None else _gain(winner, rival, goal, noise),
        optimism_bias=_optimism_bias(winner, goal.direction),
        # The metric that it was chosen by has the interval that allows for the choice.
        metrics={
            name: winner.estimate if name == goal.metric else each
            for name, each in _metrics(winner.complete, goal.metric).items()
        },
        test=_metrics(as_tested(winner.complete, goal.metric), goal.metric),
        test_gain=None if rival is None else _gain_on_test(winner, rival, goal),
    )


def tested_candidates(trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord]) -> tuple[int, ...]:
    """Return the search's trials whose repetitions were measured on the test split, as winners of one run or another.

    The default is measured beside each of them, and counts where it is the only one.
    """
    measured = _grouped(trials, [each for each in repetitions if each.test_metrics is not None])
    return tuple(number for number in measured if number != 0) or tuple(measured)


def _candidates(
    trials: Sequence[TrialRecord], groups: Mapping[int, Sequence[TrialRecord]], goal: Goal, noise: SeedNoise
) -> Iterator[Candidate]:
    """Yield what was trained again and has a value, with its mean and interval."""
    searched = {trial.number: trial for trial in trials}
    bounds = usual_bounds(goal.metric, [value for group in groups.values() for value in _values(group)])
    for number, group in groups.items():
        if values := _values(group):
            yield Candidate(
                number=number,
                config=searched[number].config,
                estimate=estimate(
                    values,
                    mean=fmean(values),
                    seed_margin=noise.margin(values),
                    comparisons=noise.candidates,
                    rows=row_error(complete(group), goal.metric),
                    bounds=bounds,
                ),
                search_value=searched[number].value,
                failed=sum(each.state is TrialState.FAIL for each in group),
                repetitions=tuple(group),
                diverged=noise.diverged(values, goal.direction.sign),
            )


def _ranked(
    candidates: Sequence[Candidate], trials: Sequence[TrialRecord], goal: Goal, noise: SeedNoise
) -> list[Candidate]:
    """Return the candidates, the best first; what breaks a constraint comes last, and before it what often failed."""
    usable, sign = {trial.number for trial in ranked(trials, goal)}, goal.direction.sign
    means = shrunken_means({each.number: each.estimate.values for each in candidates}, noise.variance)
    return sorted(
        candidates,
        key=lambda each: (
            each.number not in usable,
            each.is_unreliable,
            -sign * means[each.number],
            -sign * each.estimate.mean,
        ),
    )


def _gain(winner: Candidate, default: Candidate, goal: Goal, noise: SeedNoise) -> Estimate:
    """Return how much better the winner's mean is than the default's: paired by row, and independent in their seeds."""
    ours, theirs = winner.estimate.values, default.estimate.values
    return estimate(
        (),
        mean=goal.direction.sign * (fmean(ours) - fmean(theirs)),
        seed_margin=noise.margin_of_difference(ours, theirs),
        comparisons=max(1, noise.candidates - 1),
        rows=row_error_of_difference(winner.complete, default.complete, goal.metric),
    )


def _gain_on_test(winner: Candidate, default: Candidate, goal: Goal) -> Estimate | None:
    """Return how much better the winner is than the default on the test split; None where one was not tested there."""
    ours, theirs = (as_tested(each.complete, goal.metric) for each in (winner, default))
    return welch(ours, theirs, goal) if ours and theirs else None


def _optimism_bias(winner: Candidate, direction: Direction) -> float | None:
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
    return tuple(each.value for each in complete(repetitions) if each.value is not None)


def _metrics(measured: Sequence[TrialRecord], metric: str) -> dict[str, Estimate]:
    """Return an estimate of every metric that all of these have; rows were kept of the study's `metric` alone."""
    first = measured[0].metrics if measured else {}
    names = [name for name in first if all(name in each.metrics for each in measured)]
    columns = {name: tuple(each.metrics[name] for each in measured) for name in names}
    return {
        name: estimate(
            values,
            mean=fmean(values),
            seed_margin=SeedNoise([values]).margin(values),
            rows=row_error(measured, metric) if name == metric else NO_ROWS,
            bounds=usual_bounds(name, values),
        )
        for name, values in columns.items()
    }
