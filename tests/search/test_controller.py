"""The life of a run: what is handed out, stored, stopped and resumed."""

from collections.abc import Sequence

import pytest
from fakes import metrics
from search_bench import SPACE, Bench, failed

from tuner import Decision
from tuner.domain.errors import StorageError
from tuner.domain.event import EventKind
from tuner.domain.live_control import LiveControl
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import FailureReason, Report, TrialState
from tuner.search.failure_policy import MAX_RETRIES


def test_trial_0_is_the_default_configuration() -> None:
    bench = Bench()
    (member,) = bench.take().members
    assert member.number == 0
    assert member.config == SPACE.default


def test_a_trial_is_stored_before_it_is_handed_out() -> None:
    bench = Bench()
    bench.take()
    assert bench.state(0) is TrialState.RUNNING


def test_the_target_counts_every_trial_whatever_became_of_it() -> None:
    bench = Bench(trials=2)
    bench.take()
    bench.take()
    assert bench.controller.next_work() is None
    bench.controller.report([failed(0)])
    bench.controller.report([failed(1)])
    assert bench.controller.is_finished
    assert len(bench.writer.trials) == 2


def test_the_reports_of_a_cohorts_epoch_are_one_transaction() -> None:
    bench = Bench(cohort=2)
    bench.take()
    before = len(bench.writer.transactions)
    bench.report_all({0: 0.5, 1: 0.5}, epoch=1)
    assert len(bench.writer.transactions) == before + 1


def test_a_failure_fails_its_trial_and_never_the_study() -> None:
    bench = Bench()
    bench.take()
    assert bench.controller.report([failed(0)]).leaving == {0}
    assert bench.state(0) is TrialState.FAIL
    assert bench.take().numbers == {1}


def test_after_a_stop_nothing_is_handed_out_and_running_trials_wait() -> None:
    bench = Bench()
    bench.take()
    bench.controller.stop(StopCause.INTERRUPT)
    assert bench.controller.next_work() is None
    assert not bench.controller.is_finished
    assert bench.report(0, 1, 0.5) == {0}
    assert bench.state(0) is TrialState.WAITING
    assert bench.controller.is_finished
    assert bench.controller.stop_cause is StopCause.INTERRUPT


@pytest.mark.parametrize("cause", [StopCause.TERMINATE, StopCause.INTERRUPT])
def test_what_fails_once_a_signal_stops_the_run_goes_on_later(cause: StopCause) -> None:
    bench = Bench(trials=2)
    bench.take()
    lost = bench.take()
    for _ in range(MAX_RETRIES):
        bench.controller.lost(lost, "its worker died")
        lost = bench.take()
    bench.controller.stop(cause)
    update = bench.controller.report([failed(0)])
    assert (update.suspended, update.is_over) == (frozenset({0}), True)
    bench.controller.lost(lost, "its worker died")
    assert [bench.state(number) for number in (0, 1)] == [TrialState.WAITING] * 2
    assert bench.controller.is_finished


def test_the_first_cause_of_a_stop_stands() -> None:
    bench = Bench()
    bench.controller.stop(StopCause.TIME)
    bench.controller.stop(StopCause.TERMINATE)
    assert bench.controller.stop_cause is StopCause.TIME


def test_abandoning_puts_everything_that_runs_back() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.controller.abandon()
    assert {bench.state(0), bench.state(1)} == {TrialState.WAITING}


def test_a_resumed_study_goes_on_with_its_unfinished_trials_first() -> None:
    first = Bench()
    first.take()
    first.take()
    first.report(1, 1, 0.5)
    second = Bench(before=first)
    assert second.take().numbers == {0}
    (member,) = second.take().members
    assert (member.number, member.epoch) == (1, 1)
    assert second.take().numbers == {2}
    assert second.controller.next_work() is None


def test_each_epoch_is_told_with_all_that_was_measured() -> None:
    bench = Bench(trials=1, max_epochs=2)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.report(0, 2, 0.75)
    told = [(event.kind, event.report.epoch, event.report.metrics) for event in bench.listener.events if event.report]
    assert told == [(EventKind.REPORTED, 1, metrics(0.5)), (EventKind.FINISHED, 2, metrics(0.75))]


def test_a_cohort_is_over_when_nobody_is_left_or_joins() -> None:
    bench = Bench(trials=2, cohort=2, grows=True)
    bench.take()
    assert not bench.report_all({0: 0.5, 1: 0.4}, epoch=2).is_over
    assert bench.report_all({0: 0.5, 1: 0.4}, epoch=3).is_over


def test_a_stopping_study_suspends_a_cohort_and_lets_nobody_join() -> None:
    bench = Bench(trials=8, cohort=2, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    bench.controller.stop(StopCause.INTERRUPT)
    update = bench.report_all({0: 0.5, 1: 0.4}, epoch=1)
    assert update.suspended == {0}
    assert update.leaving == {0, 1}
    assert update.joining == ()
    assert update.is_over


def test_five_trials_that_fail_alike_end_the_study() -> None:
    bench = Bench(trials=30)
    for number in range(5):
        assert bench.controller.stop_cause is None
        bench.take()
        bench.controller.report([failed(number)])
    assert bench.controller.stop_cause is StopCause.FAILURES
    assert bench.controller.next_work() is None
    assert bench.controller.is_finished


def transactions(bench: Bench, reports: Sequence[Report]) -> int:
    """Report, and return how many transactions that took."""
    before = len(bench.writer.transactions)
    bench.controller.report(reports)
    return len(bench.writer.transactions) - before


def test_a_report_and_the_trial_that_takes_the_free_place_are_one_transaction() -> None:
    bench = Bench(trials=40, cohort=3, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    reports = [Report(number=number, epoch=1, metrics=metrics(0.5), together=3) for number in range(3)]
    assert transactions(bench, reports) == 1
    assert [bench.state(number) for number in (1, 3)] == [TrialState.PRUNED, TrialState.RUNNING]
    assert bench.writer.notes["batching"]["batched"] == 3


def test_a_cohort_that_is_split_and_the_limit_that_was_learned_are_one_transaction() -> None:
    bench = Bench(trials=4, cohort=4)
    bench.take()
    assert transactions(bench, [failed(number, FailureReason.OUT_OF_MEMORY) for number in range(4)]) == 1
    assert list(bench.writer.notes["cohorts"].values()) == [2]


def test_a_report_to_a_stopping_run_and_the_members_that_wait_are_one_transaction() -> None:
    bench = Bench(trials=2, cohort=2)
    bench.take()
    bench.controller.stop(StopCause.INTERRUPT)
    reports = [Report(number=number, epoch=1, metrics=metrics(0.5)) for number in range(2)]
    assert transactions(bench, reports) == 1
    assert [bench.writer.trials[number].curve for number in range(2)] == [{1: 0.5}, {1: 0.5}]
    assert [bench.state(number) for number in range(2)] == [TrialState.WAITING] * 2


def test_a_report_that_changes_nothing_is_no_transaction() -> None:
    bench = Bench()
    bench.take()
    bench.report(0, 1, 0.5)
    assert transactions(bench, [Report(number=0, epoch=1, metrics=metrics(0.9))]) == 0


def test_what_cannot_be_stored_is_neither_answered_nor_notified_of_and_new_trials_do_not_run() -> None:
    bench = Bench(trials=40, cohort=2, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    events = len(bench.listener.events)
    bench.writer.error = StorageError("the disk is full")
    with pytest.raises(StorageError):
        bench.report_all({0: 0.5, 1: 0.5}, epoch=1)
    assert len(bench.listener.events) == events
    bench.writer.error = None
    bench.controller.abandon()
    assert {number: trial.state for number, trial in bench.writer.trials.items()} == {
        0: TrialState.WAITING,
        1: TrialState.RUNNING,
    }
    assert Bench(trials=40, cohort=2, grows=True, before=bench).take().numbers == {0, 1}


def test_a_paused_run_hands_out_nothing_puts_back_what_reports_and_continues() -> None:
    bench = Bench(trials=2)
    bench.take()
    bench.controller.control(LiveControl(is_paused=True))
    assert bench.controller.next_work() is None
    assert bench.report(0, 1, 0.5) == {0}
    assert bench.state(0) is TrialState.WAITING
    assert (bench.controller.is_paused, bench.controller.is_finished) == (True, False)
    bench.controller.control(LiveControl())
    (member,) = bench.take().members
    assert (member.number, member.epoch) == (0, 1)


def test_a_stop_ends_a_pause() -> None:
    bench = Bench()
    bench.controller.control(LiveControl(is_paused=True))
    bench.controller.stop(StopCause.REQUEST)
    assert (bench.controller.is_paused, bench.controller.is_finished) == (False, True)


def test_a_limit_is_kept_once_what_is_beyond_it_is_over() -> None:
    bench = Bench(trials=4, max_epochs=1, grows=True)
    bench.take()
    bench.take()
    bench.controller.control(LiveControl(parallel=1))
    assert bench.report_all({0: 0.5}, epoch=1).is_over
    assert bench.controller.next_work() is None
    assert [member.number for member in bench.report_all({1: 0.5}, epoch=1).joining] == [2]


def test_an_extended_study_has_as_many_trials_as_it_was_last_asked_for() -> None:
    bench = Bench(trials=1, max_epochs=1)
    bench.take()
    bench.controller.control(LiveControl(trials=3))
    assert bench.take().numbers == {1}
    bench.controller.control(LiveControl(trials=2))
    assert bench.controller.next_work() is None
    bench.report(0, 1, 0.5)
    bench.report(1, 1, 0.5)
    assert bench.controller.is_finished
