"""What reports, failures, losses and limits make of trials."""

import pytest
from fakes import metrics
from search_bench import SMALL, TOO_LATE, Bench, failed, sized

from tuner.domain.decision import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.event import EventKind
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, Report, TrialState
from tuner.search.failure_policy import MAX_RETRIES


def test_all_reports_of_an_epoch_are_recorded_before_any_is_decided() -> None:
    bench = Bench(cohort=2)
    bench.take()
    bench.report_all({0: 0.5, 1: 0.5}, epoch=1)
    assert bench.scheduler.calls == [("record", 0, 1), ("record", 1, 1), ("decide", 0, 1), ("decide", 1, 1)]


def test_a_metric_that_the_first_report_lacks_ends_the_study() -> None:
    bench = Bench()
    bench.take()
    with pytest.raises(ConfigurationError, match="it broke"):
        bench.controller.report([failed(0, FailureReason.MISSING_METRIC)])


def test_a_metric_that_a_later_trial_lacks_fails_that_trial() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.report([failed(1, FailureReason.MISSING_METRIC)])
    assert bench.state(1) is TrialState.FAIL


def test_a_repeated_epoch_changes_nothing() -> None:
    bench = Bench()
    bench.take()
    bench.report(0, 1, 0.5)
    transactions = len(bench.writer.transactions)
    assert bench.report(0, 1, 0.9) == frozenset()
    assert bench.writer.trials[0].curve == {1: 0.5}
    assert sum(map(len, bench.writer.transactions[transactions:])) == 0


def test_a_report_of_a_trial_that_is_over_is_ignored() -> None:
    bench = Bench(max_epochs=1)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.report(0, 2, 0.9)
    assert bench.writer.trials[0].curve == {1: 0.5}


def test_a_lost_trial_is_handed_out_again_from_where_it_was_recorded() -> None:
    bench = Bench()
    assignment = bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.lost(assignment, "its worker died")
    assert bench.state(0) is TrialState.WAITING
    (member,) = bench.take().members
    assert (member.number, member.epoch, member.best_epoch, member.best) == (0, 1, 1, 0.5)
    assert bench.state(0) is TrialState.RUNNING
    assert EventKind.LOST in [event.kind for event in bench.listener.events]


def test_a_trial_that_keeps_losing_its_worker_fails() -> None:
    bench = Bench()
    for _ in range(MAX_RETRIES + 1):
        bench.controller.lost(bench.take(), "its worker died")
    failure = bench.writer.trials[0].failure
    assert failure is not None
    assert failure.reason is FailureReason.WORKER_LOST
    assert bench.take().numbers == {1}


def test_a_trial_whose_nodes_are_lost_again_and_again_never_fails() -> None:
    bench = Bench()
    for _ in range(3 * MAX_RETRIES):
        bench.controller.lost(bench.take(), "its node was lost", counts=False)
    for _ in range(MAX_RETRIES):
        bench.controller.lost(bench.take(), "its worker died")
    assert bench.take().numbers == {0}


def test_a_resumed_study_replays_what_was_stored() -> None:
    first = Bench()
    first.take()
    first.report(0, 1, 0.5)
    first.report(0, 2, 0.6)
    second = Bench(before=first)
    assert second.scheduler.calls == [("record", 0, 1), ("record", 0, 2)]
    assert [trial.number for trial in second.sampler.observed] == [0]


def test_members_that_do_not_fit_into_memory_go_on_in_halves() -> None:
    bench = Bench(trials=4, cohort=4)
    bench.take()
    update = bench.controller.report([failed(number, FailureReason.OUT_OF_MEMORY) for number in range(4)])
    assert update.is_over
    assert [sorted(bench.take().numbers) for _ in range(2)] == [[0, 1], [2, 3]]
    assert list(bench.writer.notes["cohorts"].values()) == [2]


def test_a_trial_that_does_not_fit_into_memory_alone_fails() -> None:
    bench = Bench(trials=1)
    bench.take()
    bench.controller.report([failed(0, FailureReason.OUT_OF_MEMORY)])
    assert bench.state(0) is TrialState.FAIL


def test_the_members_of_a_cohort_that_fails_as_a_whole_go_on_alone() -> None:
    bench = Bench(trials=3, cohort=3)
    bench.take()
    bench.report_all({0: 0.1, 1: 0.1, 2: 0.1}, epoch=1)
    bench.controller.report([failed(number, FailureReason.COHORT_RAISED) for number in range(3)])
    assignments_issued = [bench.take() for _ in range(3)]
    assert [assignment.numbers for assignment in assignments_issued] == [{0}, {1}, {2}]
    assert [member.epoch for assignment in assignments_issued for member in assignment.members] == [1, 1, 1]
    bench.controller.report([failed(1)])
    assert bench.state(1) is TrialState.FAIL
    assert bench.state(0) is TrialState.RUNNING


@pytest.mark.parametrize("reason", [FailureReason.OUT_OF_MEMORY, FailureReason.COHORT_RAISED])
def test_a_member_whose_failure_comes_with_earlier_epochs_waits_once(reason: FailureReason) -> None:
    bench = Bench(trials=2, cohort=2)
    bench.take()
    measured = [Report(number=number, epoch=1, metrics=metrics(0.1)) for number in range(2)]
    bench.controller.report([*measured, failed(0, reason), failed(1, reason)])
    assert [sorted(bench.take().numbers) for _ in range(2)] == [[0], [1]]
    assert bench.controller.next_work() is None


def test_a_lost_worker_gives_every_member_back_those_who_joined_too() -> None:
    bench = Bench(trials=32, cohort=2, grows=True)
    assignment = bench.take()
    bench.report_all({0: 0.5, 1: 0.5}, epoch=3)
    bench.controller.lost(assignment, "its worker died")
    assert bench.take().numbers == {2, 3}


def test_a_trial_whose_worker_was_ended_because_of_a_limit_fails_and_is_not_tried_again() -> None:
    bench = Bench(trials=2)
    assignment = bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.overran(assignment, TOO_LATE)
    assert bench.state(0) is TrialState.FAIL
    assert bench.writer.trials[0].failure == TOO_LATE
    assert bench.take().numbers == {1}


def test_of_a_cohort_that_was_ended_because_of_a_limit_each_goes_on_alone() -> None:
    bench = Bench(trials=3, cohort=3)
    assignment = bench.take()
    bench.report_all({0: 0.1, 1: 0.2, 2: 0.3}, epoch=1)
    bench.controller.overran(assignment, TOO_LATE)
    assignments_issued = [bench.take() for _ in range(3)]
    assert [[(member.number, member.epoch) for member in each.members] for each in assignments_issued] == [
        [(0, 1)],
        [(1, 1)],
        [(2, 1)],
    ]
    bench.controller.overran(assignments_issued[1], TOO_LATE)
    assert [bench.state(number) for number in range(3)] == [TrialState.RUNNING, TrialState.FAIL, TrialState.RUNNING]


def test_a_cohort_beyond_its_memory_goes_on_in_halves() -> None:
    bench = Bench(trials=4, cohort=4)
    bench.controller.overran(bench.take(), Failure(reason=FailureReason.MEMORY_LIMIT, message="5 GiB"))
    assert [sorted(bench.take().numbers) for _ in range(2)] == [[0, 1], [2, 3]]


def test_members_that_train_on_keep_a_study_whose_first_five_members_fail_from_ending() -> None:
    bench = Bench(trials=30, cohort=8)
    assignment = bench.take()
    healthy = [Report(number=number, epoch=1, metrics=metrics(0.5)) for number in (5, 6, 7)]
    bench.controller.report([*map(failed, range(5)), *healthy])
    assert bench.controller.stop_cause is None
    assert [number for number in assignment.numbers if not bench.state(number).is_finished] == [5, 6, 7]


def test_members_that_a_broken_cohort_has_put_back_are_tried_before_the_study_ends() -> None:
    bench = Bench(trials=8, max_epochs=1, cohort=8)
    assignment = bench.take()
    bench.controller.report([failed(number, FailureReason.COHORT_RAISED) for number in assignment.numbers])
    for number in range(5):
        assert bench.take().numbers == {number}
        bench.controller.report([failed(number)])
    for number in range(5, 8):
        assert bench.take().numbers == {number}
        bench.report(number, 1, 0.5)
    assert bench.controller.stop_cause is None
    assert bench.controller.is_finished


def test_what_failed_before_a_resumption_is_forgiven() -> None:
    before = Bench(trials=30)
    for number in range(5):
        before.take()
        before.controller.report([failed(number)])
    bench = Bench(trials=30, before=before)
    bench.take()
    bench.controller.report([failed(5)])
    assert bench.controller.stop_cause is None


def test_what_a_worker_notes_is_told_once() -> None:
    bench = Bench()
    bench.take()
    for epoch in (1, 2):
        bench.controller.report([Report(number=0, epoch=epoch, metrics=metrics(0.5), note="epoch-000002 is damaged")])
    assert bench.listener.warnings == ["trial 0: epoch-000002 is damaged"]


def test_a_trial_that_breaks_a_constraint_for_good_stands_in_nobodys_way() -> None:
    bench = Bench(goal=SMALL)
    for number, parameters in ((0, 11), (1, 11), (2, 10)):
        bench.take()
        bench.controller.report([sized(number, 1, 0.75, parameters)])
    assert bench.scheduler.calls == [("record", 2, 1), ("decide", 2, 1)]
    resumed = Bench(goal=SMALL, before=bench)
    assert resumed.scheduler.calls == [("record", 2, 1)]


def test_a_trial_that_raised_is_handed_out_again_as_often_as_retries_allow() -> None:
    bench = Bench(retries=1)
    bench.take()
    broke = Failure(reason=FailureReason.RAISED, message="it broke")
    update = bench.controller.report(
        [Report(number=0, epoch=1, metrics=metrics(0.5)), Report(number=0, epoch=1, failure=broke)]
    )
    assert update.is_over
    assert update.leaving == {0}
    assert bench.state(0) is TrialState.WAITING
    assert "trial 0 is tried again after: it broke" in bench.listener.warnings
    (member,) = bench.take().members
    assert (member.number, member.epoch) == (0, 1)
    bench.controller.report([failed(0)])
    assert bench.state(0) is TrialState.FAIL


def test_a_member_that_raised_leaves_its_cohort_and_the_others_stay() -> None:
    bench = Bench(cohort=2, retries=1)
    bench.take()
    update = bench.controller.report([Report(number=0, epoch=1, metrics=metrics(0.5)), failed(1)])
    assert update.leaving == {1}
    assert not update.is_over
    assert [bench.state(number) for number in (0, 1)] == [TrialState.RUNNING, TrialState.WAITING]


def test_what_a_rung_compared_is_stored_with_the_report_and_only_the_last_of_those_after_every_epoch() -> None:
    for epochs, expected in (((1, 2), [1, 2]), (None, [2])):
        bench = Bench(trials=2)
        bench.scheduler.epochs = epochs
        bench.scheduler.answers[1, 2] = Decision.STOP
        bench.take()
        bench.take()
        bench.report(1, 1, 0.5)
        bench.report(1, 2, 0.5)
        changes = [change for transaction in bench.writer.transactions for change in transaction]
        assert [change.report.epoch for change in changes if change.comparisons and change.report] == expected


def test_the_scheduler_is_shown_which_trials_break_a_constraint_that_training_may_mend() -> None:
    bench = Bench(goal=Goal.of("accuracy", Direction.MAXIMIZE, "accuracy >= 0.5"), cohort=2)
    bench.take()
    bench.report_all({0: 0.4, 1: 0.6}, epoch=1)
    assert bench.scheduler.calls[:3] == [("record_excess", 0, 1), ("record", 0, 1), ("record", 1, 1)]
