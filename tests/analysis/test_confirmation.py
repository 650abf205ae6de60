"""What repetitions say of the best configurations."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tuner.analysis.confirmation import Confirmation, confirmation_of
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.row_values import RowValues
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState

GOAL = Goal.of("accuracy", Direction.MAXIMIZE)
BROKEN = Failure(reason=FailureReason.RAISED, message="it broke")


def searched(*values: float) -> list[TrialRecord]:
    """Return the trials of a search; trial n has the configuration {"x": n}."""
    return [
        TrialRecord(number=number, state=TrialState.COMPLETE, config=Config({"x": number}), value=value)
        for number, value in enumerate(values)
    ]


def repeated(groups: Mapping[int, Sequence[float | None]], *, tested: bool = False) -> list[TrialRecord]:
    """Return repetitions with these values by the number of the search's trial; None for one that failed."""
    flat = [(source, value) for source, values in groups.items() for value in values]
    return [
        TrialRecord(
            number=number,
            state=TrialState.FAIL if value is None else TrialState.COMPLETE,
            config=Config({"x": source}),
            value=value,
            metrics={} if value is None else {"accuracy": value},
            failure=BROKEN if value is None else None,
            test_metrics={"accuracy": value / 2} if tested and value is not None else None,
        )
        for number, (source, value) in enumerate(flat)
    ]


def confirmed(
    values: Sequence[float],
    groups: Mapping[int, Sequence[float | None]],
    direction: Direction = Direction.MAXIMIZE,
    *,
    tested: bool = False,
    metric: str = "accuracy",
) -> Confirmation:
    confirmation = confirmation_of(searched(*values), repeated(groups, tested=tested), Goal.of(metric, direction))
    assert confirmation is not None
    return confirmation


def test_the_winner_is_the_best_in_the_mean_and_not_the_luckiest() -> None:
    confirmation = confirmed([0.5, 0.99, 0.9], {0: [0.5, 0.5], 1: [0.99, 0.6], 2: [0.85, 0.86]})
    assert [each.number for each in confirmation.candidates] == [2, 1, 0]
    assert confirmation.winner.estimate.mean == pytest.approx(0.855)
    assert confirmation.winner.estimate.values == (0.85, 0.86)


def test_where_less_is_better_the_smallest_mean_wins_and_gains_are_positive_still() -> None:
    confirmation = confirmed([0.9, 0.1], {0: [0.8, 0.9], 1: [0.2, 0.3]}, Direction.MINIMIZE)
    assert confirmation.winner.number == 1
    assert confirmation.gain is not None
    assert confirmation.gain.mean == pytest.approx(0.6)
    assert confirmation.optimism_bias == pytest.approx(0.15)


def test_what_failed_now_and_then_is_behind_what_always_worked() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.5, 0.6], 1: [0.9, None]})
    assert confirmation.winner.number == 0
    assert [each.failed for each in confirmation.candidates] == [0, 1]


def test_the_default_configuration_may_win_and_then_there_is_no_gain() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.8, 0.9], 1: [0.6, 0.7]})
    assert confirmation.winner is confirmation.default
    assert confirmation.gain is None


def test_nothing_is_confirmed_by_nothing() -> None:
    assert confirmation_of(searched(0.5), [], GOAL) is None
    assert confirmation_of(searched(0.5), repeated({0: [None, None]}), GOAL) is None
    assert confirmation_of(searched(0.5), repeated({7: [0.5]}), GOAL) is None


def test_single_repetitions_have_no_interval() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.5], 1: [0.9]})
    assert confirmation.winner.number == 1
    assert math.isinf(confirmation.winner.estimate.margin)
    assert confirmation.winner.estimate.describe()["low"] is None


def test_values_that_happen_to_agree_do_not_make_a_configuration_certain() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.5, 0.7, 0.6], 1: [0.9, 0.9, 0.9]})
    assert confirmation.winner.estimate.margin > 0.05


def test_an_erratic_candidate_makes_the_others_less_than_twice_as_uncertain() -> None:
    calm = {0: [0.50, 0.51, 0.52, 0.51, 0.50], 1: [0.90, 0.91, 0.92, 0.91, 0.90], 2: [0.80, 0.81, 0.82, 0.81, 0.80]}
    erratic = {**calm, 2: [0.1, 0.8, 0.2, 0.5, 0.0]}
    margins = [confirmed([0.5, 0.9, 0.8], groups).winner.estimate.margin for groups in (calm, erratic)]
    assert margins[0] < margins[1] < 2 * margins[0]


def test_the_winner_has_metrics_where_trials_are_compared_and_on_the_test_split() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.5, 0.6], 1: [0.9, 0.8]}, tested=True)
    assert confirmation.metrics["accuracy"].mean == pytest.approx(0.85)
    assert confirmation.test["accuracy"].mean == pytest.approx(0.425)


def test_the_interval_of_a_group_is_students() -> None:
    """Of 1, 2, 3 and a single candidate: 2 ± 4.3027 / sqrt(3), from the tables of Student's t with two degrees."""
    estimate = confirmed([2.0], {0: [1.0, 2.0, 3.0]}, metric="score").winner.estimate
    assert estimate.mean == pytest.approx(2.0)
    assert estimate.margin == pytest.approx(4.302653 / math.sqrt(3))


@pytest.mark.parametrize("spreads", [(1.0,) * 5, (0.3, 0.6, 1.0, 2.0, 4.0)], ids=["alike", "unlike"])
@pytest.mark.parametrize("differences", [(0.0,) * 5, (0.0, 0.1, 0.5, 1.0, 2.0)], ids=["equal", "different"])
def test_the_winners_interval_holds_its_true_mean_although_it_was_chosen(
    differences: tuple[float, ...], spreads: tuple[float, ...]
) -> None:
    draw = random.Random(1)
    held = 0
    for _ in range(400):
        groups = {
            number: [draw.gauss(true, spread) for _ in range(5)]
            for number, (true, spread) in enumerate(zip(differences, spreads, strict=True))
        }
        winner = confirmed(differences, groups).winner
        held += winner.estimate.low <= differences[winner.number] <= winner.estimate.high
    assert held / 400 >= 0.95


@pytest.mark.parametrize("true_gain", [0.0, 1.5])
def test_the_gains_interval_holds_the_true_gain_although_the_winner_was_chosen(true_gain: float) -> None:
    draw = random.Random(2)
    held = chosen = 0
    for _ in range(400):
        true = [0.0, true_gain, true_gain, true_gain]
        groups = {number: [draw.gauss(each, 1.0) for _ in range(5)] for number, each in enumerate(true)}
        gain = confirmed(true, groups).gain
        if gain is not None:
            chosen += 1
            held += gain.low <= true_gain <= gain.high
    assert held / chosen >= 0.93


def test_the_metric_that_the_winner_was_chosen_by_has_one_interval_wherever_it_stands() -> None:
    confirmation = confirmed([0.9, 0.8, 0.7], {0: [0.9, 0.7], 1: [0.8, 0.85], 2: [0.6, 0.8]}, tested=True)
    assert confirmation.metrics["accuracy"] == confirmation.winner.estimate


def with_rows(
    rights: Mapping[int, Sequence[Sequence[float]]], *, test: Mapping[int, Sequence[Sequence[float]]] | None = None
) -> Confirmation:
    """Return the confirmation of repetitions that got these rows right, and those of the test split."""
    groups = {number: [sum(rows) / len(rows) for rows in trainings] for number, trainings in rights.items()}
    repetitions = repeated(groups)
    flat = [(number, at) for number, trainings in rights.items() for at in range(len(trainings))]
    repetitions = [
        replace(
            each,
            rows=RowValues.of(rights[number][at]),
            test_rows=RowValues.of(test[number][at]) if test else None,
            test_metrics={"accuracy": sum(test[number][at]) / len(test[number][at])} if test else None,
        )
        for each, (number, at) in zip(repetitions, flat, strict=True)
    ]
    confirmation = confirmation_of(searched(*(max(values) for values in groups.values())), repetitions, GOAL)
    assert confirmation is not None
    return confirmation


def right(count: int, of: int = 100) -> list[float]:
    return [1.0] * count + [0.0] * (of - count)


def test_with_rows_an_interval_allows_for_other_rows_too_and_says_so() -> None:
    rights = {0: [right(80), right(81), right(80)], 1: [right(90), right(91), right(90)]}
    groups = {number: [sum(rows) / 100 for rows in trainings] for number, trainings in rights.items()}
    seeds = confirmed([0.8, 0.9], groups).winner.estimate
    both = with_rows(rights).winner.estimate
    assert (seeds.claim, both.claim) == ("with another seed", "on new rows")
    assert both.seed_margin == pytest.approx(seeds.seed_margin)
    # The standard error over 100 rows of which 90 are right is 0.03, and both candidates' intervals hold at once.
    assert both.margin == pytest.approx(2.24 * 0.03, rel=0.1)
    assert both.high - both.mean < both.mean - both.low


def test_where_every_training_is_right_on_every_row_the_rows_bound_the_interval() -> None:
    estimate = with_rows({0: [right(50, of=50)] * 5}).winner.estimate
    assert (estimate.mean, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 50))


def test_no_interval_of_a_bounded_metric_leaves_its_bounds() -> None:
    candidates = confirmed([0.9, 0.95], {0: [0.5, 0.99], 1: [1.0, 1.0]}).candidates
    assert all(0 <= each.estimate.low <= each.estimate.mean <= each.estimate.high <= 1 for each in candidates)


def test_the_gain_is_paired_by_row() -> None:
    alike = with_rows({0: [right(80), right(79)], 1: [right(90), right(89)]}).gain
    unlike = with_rows({0: [right(80), right(79)], 1: [right(90)[::-1], right(89)[::-1]]}).gain
    assert alike is not None
    assert unlike is not None
    assert alike.rows == unlike.rows == 100
    assert alike.margin < unlike.margin


def test_the_gain_is_measured_on_the_test_split_too_where_the_default_was() -> None:
    rights = {0: [right(80), right(79)], 1: [right(90), right(89)]}
    confirmation = with_rows(rights, test={0: [right(70), right(71)], 1: [right(75), right(76)]})
    assert confirmation.test_gain is not None
    assert confirmation.test_gain.mean == pytest.approx(0.05)
    assert confirmation.test_gain.rows == 100
    assert confirmation.test["accuracy"].claim == "on new rows"
    assert confirmed([0.5, 0.9], {0: [0.5, 0.6], 1: [0.9, 0.8]}).test_gain is None


def test_one_lucky_training_does_not_win_over_many_good_ones() -> None:
    many = [0.86, 0.87, 0.88, 0.85, 0.89]
    assert confirmed([0.8, 0.9, 0.9], {0: [0.84, 0.86, 0.88, 0.87, 0.85], 1: many, 2: [0.875]}).winner.number == 1
    assert confirmed([0.8, 0.9, 0.9], {0: [0.5, 0.52, 0.48, 0.5, 0.5], 1: many, 2: [0.99]}).winner.number == 2


def test_a_training_that_is_far_worse_than_its_siblings_is_named() -> None:
    confirmation = confirmed([0.5, 0.9], {0: [0.50, 0.51, 0.52], 1: [0.97, 0.96, 0.97, 0.10]})
    candidate = confirmation.candidate(1)
    assert candidate is not None
    assert candidate.diverged == (0.10,)
    assert [each.diverged for each in confirmation.candidates if each is not candidate] == [()]


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("noise", ["skewed", "a count"])
def test_intervals_hold_under_skew_and_near_a_bound(noise: str, seeds: int) -> None:
    draw, held = random.Random(3), 0
    for _ in range(300):
        if noise == "skewed":
            true, groups = -math.exp(0.125), [[-draw.lognormvariate(0, 0.5) for _ in range(seeds)] for _ in range(5)]
        else:
            true = 0.99
            groups = [[sum(draw.random() < true for _ in range(100)) / 100 for _ in range(seeds)] for _ in range(5)]
        metric = "score" if noise == "skewed" else "accuracy"
        winner = confirmed([0.0] * 5, dict(enumerate(groups)), metric=metric).winner
        held += winner.estimate.low <= true <= winner.estimate.high
    assert held / 300 >= 0.93
