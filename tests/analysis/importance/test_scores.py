"""How trials that were trained unequally long are compared."""

from typing import Any

import pytest

from tuner.analysis.importance.scores import standings
from tuner.domain.config import Config
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState, best_epoch

UP, DOWN = Direction.MAXIMIZE, Direction.MINIMIZE


def trial(number: int, *curve: float, state: TrialState = TrialState.PRUNED, **given: Any) -> TrialRecord:
    by_epoch = dict(enumerate(curve, start=1))
    value = by_epoch.get(best_epoch(by_epoch, UP))
    return TrialRecord(number=number, state=state, config=Config({}), **{"value": value, "curve": by_epoch, **given})


def test_two_trials_are_compared_at_the_last_epoch_that_both_reached() -> None:
    slow_but_long = trial(0, 0.1, 0.5, 0.9)
    assert standings([slow_but_long, trial(1, 0.2)], UP) == {0: 0.0, 1: 1.0}
    assert standings([slow_but_long, trial(1, 0.2, 0.4)], UP) == {0: 1.0, 1: 0.0}


def test_less_is_better_where_it_is() -> None:
    assert standings([trial(0, 0.1), trial(1, 0.2)], DOWN) == {0: 1.0, 1: 0.0}


def test_a_trial_counts_with_its_best_epoch_so_far() -> None:
    assert standings([trial(0, 0.6, 0.1), trial(1, 0.5, 0.5)], UP) == {0: 1.0, 1: 0.0}


def test_a_complete_trial_stays_where_it_ended() -> None:
    ended_early = trial(0, 0.5, state=TrialState.COMPLETE)
    assert standings([ended_early, trial(1, 0.1, 0.6)], UP) == {0: 0.0, 1: 1.0}


def test_a_standing_is_the_share_of_the_others_and_equals_are_half() -> None:
    found = standings([trial(0, 0.1), trial(1, 0.2), trial(2, 0.2), trial(3, 0.4), trial(4, 0.5)], UP)
    assert found == {0: 0.0, 1: 0.375, 2: 0.375, 3: 0.75, 4: 1.0}


def test_what_failed_or_measured_nothing_has_no_standing() -> None:
    trials = [trial(0, 0.1), trial(1, 0.9, state=TrialState.FAIL), trial(2), trial(3, 0.2, state=TrialState.RUNNING)]
    assert standings(trials, UP) == {0: 0.0, 3: 1.0}


@pytest.mark.parametrize("trials", [[], [trial(0, 0.5)]])
def test_nobody_stands_alone(trials: list[TrialRecord]) -> None:
    assert standings(trials, UP) == {}


def test_values_without_curves_are_compared_as_they_are() -> None:
    plain = [trial(number, state=TrialState.COMPLETE, value=value) for number, value in enumerate((0.1, 0.3, 0.2))]
    assert standings(plain, UP) == {0: 0.0, 1: 1.0, 2: 0.5}


def test_what_is_no_number_is_passed_over() -> None:
    assert standings([trial(0, 0.3, float("nan")), trial(1, 0.2, 0.2)], UP) == {0: 1.0, 1: 0.0}
