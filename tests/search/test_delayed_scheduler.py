"""A scheduler that judges a trial by those that were over before it began decides the same in any order."""

from tuner import Decision
from tuner.domain.study import Direction
from tuner.schedulers.asha import ASHA
from tuner.search.delayed_scheduler import DelayedScheduler


def delayed(delay: int = 2) -> DelayedScheduler:
    return DelayedScheduler(lambda: ASHA(9, Direction.MAXIMIZE, 0, eta=2), delay)


def test_a_trial_is_compared_with_trials_up_to_n_minus_the_delay_and_no_later_ones() -> None:
    scheduler = delayed()
    for number, value in enumerate([0.5, 0.9, 0.4]):
        scheduler.record(number, 1, value)
    (comparison,) = scheduler.comparisons(2, 1)
    assert (comparison.compared, comparison.needed) == (2, 0.5)
    assert scheduler.decide(2, 1) is Decision.STOP
    assert scheduler.decide(1, 1) is Decision.CONTINUE


def test_later_reports_change_no_decision_about_an_earlier_trial() -> None:
    scheduler = delayed()
    scheduler.record(0, 1, 0.5)
    assert scheduler.decide(0, 1) is Decision.CONTINUE
    scheduler.record(1, 1, 0.9)
    scheduler.record(0, 2, 0.5)
    assert scheduler.decide(0, 2) is Decision.CONTINUE


def test_a_decision_knows_the_trials_own_reports_up_to_its_epoch() -> None:
    scheduler = delayed()
    for epoch, value in enumerate([0.9, 0.9, 0.9, 0.1], start=1):
        scheduler.record(0, epoch, value)
    for epoch in (1, 2, 3, 4):
        scheduler.record(2, epoch, 1.0)
    assert scheduler.decide(2, 1) is Decision.CONTINUE
    assert [each.rung for each in scheduler.comparisons(2, 4)] == [4]


def test_it_is_judged_at_the_epochs_at_which_the_scheduler_judges() -> None:
    assert delayed().decision_epochs(3) == (1, 2, 4, 8)


def test_a_trial_that_broke_a_constraint_stops_none_that_keeps_it() -> None:
    scheduler = delayed()
    scheduler.record_excess(0, 1, 0.1)
    for number, value in enumerate([0.9, 0.5, 0.4]):
        scheduler.record(number, 1, value)
    assert scheduler.decide(2, 1) is Decision.CONTINUE
