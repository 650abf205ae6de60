"""The state machine of a trial: a table with one row per transition, and what a run makes of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import final

import pytest
from fakes import metrics
from search_bench import SMALL, SPACE, Bench, sized

from tuner import Decision
from tuner.domain.goal import PARAMETERS
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, Stage, TrialRecord, TrialState
from tuner.search.plan import RunPlan
from tuner.search.transitions import ReportTime, after_report, is_judged

NOW = datetime(2026, 1, 1)  # noqa: DTZ001 - as Optuna stores it
BROKEN = Failure(reason=FailureReason.RAISED, message="it broke")
RUNNING, COMPLETE, PRUNED, FAIL = TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
CONTINUE, STOP, FINISH = Decision.CONTINUE, Decision.STOP, Decision.FINISH
HOPELESS = {**metrics(0.5), PARAMETERS: 11}


@final
@dataclass(frozen=True, kw_only=True)
class Row:
    """A report of trial `number`, which has measured epoch 1, and what the trial is after it."""

    state: TrialState
    number: int = 1
    epoch: int = 2
    metrics: Metrics | None = field(default_factory=lambda: metrics(0.5))
    failure: Failure | None = None
    is_last: bool = False
    decision: Decision = CONTINUE
    seconds: float = 0.0
    has_measured: bool = True
    stops_hopeless: bool = True
    reason: FailureReason | None = None
    """Why it failed."""


ROWS = {
    "it raised": Row(metrics=None, failure=BROKEN, state=FAIL, reason=FailureReason.RAISED),
    "it ended by itself": Row(metrics=None, state=COMPLETE),
    "it ended by itself without metrics": Row(
        metrics=None, has_measured=False, state=FAIL, reason=FailureReason.NO_METRICS
    ),
    "its objective says that it is done": Row(is_last=True, decision=STOP, state=COMPLETE),
    "it reached the last epoch": Row(epoch=3, decision=STOP, state=COMPLETE),
    "it passed the last epoch": Row(epoch=4, decision=STOP, state=COMPLETE),
    "it violates a constraint for good": Row(metrics=HOPELESS, state=PRUNED),
    "it violates one where such trials are trained": Row(metrics=HOPELESS, stops_hopeless=False, state=RUNNING),
    "the default configuration violates one": Row(number=0, metrics=HOPELESS, state=RUNNING),
    "others are better": Row(decision=STOP, state=PRUNED),
    "others are better than the default configuration": Row(number=0, decision=STOP, state=RUNNING),
    "it has converged": Row(decision=FINISH, state=COMPLETE),
    "the default configuration has converged": Row(number=0, decision=FINISH, state=COMPLETE),
    "it continues": Row(state=RUNNING),
    "it continues at its time limit": Row(seconds=60.0, state=RUNNING),
    "it is beyond its time limit": Row(seconds=60.5, state=FAIL, reason=FailureReason.TIMEOUT),
    "it is done beyond its time limit": Row(seconds=60.5, epoch=3, state=COMPLETE),
    "it is stopped beyond its time limit": Row(seconds=60.5, decision=STOP, state=PRUNED),
}
"""The state machine of a running trial, a row for each transition."""


def plan(*, stops_hopeless: bool = True) -> RunPlan:
    return RunPlan(
        trials=3,
        max_epochs=3,
        goal=SMALL,
        seed=0,
        default=SPACE.default,
        tests=False,
        trial_seconds=60.0,
        stops_hopeless=stops_hopeless,
    )


def trial(number: int = 1, *, has_measured: bool = True) -> TrialRecord:
    record = TrialRecord(number=number, state=RUNNING, config=SPACE.default)
    return replace(record, curve={1: 0.75}, value=0.75, epoch=1, metrics=metrics(0.75)) if has_measured else record


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_report_takes_a_trial_to_the_state_of_its_row(row: Row) -> None:
    report = Report(number=row.number, epoch=row.epoch, metrics=row.metrics, failure=row.failure, is_last=row.is_last)
    after = after_report(
        trial(row.number, has_measured=row.has_measured),
        report,
        plan=plan(stops_hopeless=row.stops_hopeless),
        decision=row.decision,
        known={1: metrics(0.75)},
        at=ReportTime(NOW, row.seconds),
    )
    assert after.state is row.state
    assert after.finished == (NOW if row.state.is_finished else None)
    assert (after.failure and after.failure.reason) == row.reason


def test_a_trial_has_the_value_and_all_metrics_of_its_best_epoch() -> None:
    def after(value: float) -> TrialRecord:
        report = Report(number=1, epoch=2, metrics=metrics(value))
        known = {1: metrics(0.75)}
        return after_report(trial(), report, plan=plan(), decision=CONTINUE, known=known, at=ReportTime(NOW, 0.0))

    worse, better = after(0.5), after(0.875)
    assert (worse.curve, worse.value, worse.epoch) == ({1: 0.75, 2: 0.5}, 0.75, 1)
    assert worse.metrics == metrics(0.75)
    assert (better.curve, better.value, better.epoch) == ({1: 0.75, 2: 0.875}, 0.875, 2)
    assert better.metrics == metrics(0.875)


def test_a_finished_trial_has_the_configuration_of_its_best_epoch() -> None:
    first, second = SPACE.default, SPACE.at({"x": 0.25})
    stages = (Stage(epoch=0, config=first), Stage(epoch=1, config=second, source=2))
    exploiting = replace(trial(), config=second, schedule=stages)
    report = Report(number=1, epoch=3, metrics=metrics(0.5))
    after = after_report(exploiting, report, plan=plan(), decision=CONTINUE, known={}, at=ReportTime(NOW, 0.0))
    assert (after.epoch, after.config) == (1, first)


@pytest.mark.parametrize(
    ("report", "judged"),
    [
        (Report(number=1, epoch=2, metrics=metrics(0.5)), True),
        (Report(number=1, epoch=2, metrics=metrics(0.5), is_last=True), False),
        (Report(number=1, epoch=3, metrics=metrics(0.5)), False),
        (Report(number=1, epoch=2, metrics=HOPELESS), False),
        (Report(number=1, epoch=2), False),
        (Report(number=1, epoch=2, failure=BROKEN), False),
    ],
)
def test_the_scheduler_is_asked_only_where_nothing_else_decides(report: Report, *, judged: bool) -> None:
    assert is_judged(report, plan()) is judged


def test_a_stopped_trial_leaves_and_is_pruned_with_its_best_value() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.scheduler.answers[1, 2] = Decision.STOP
    assert bench.report(1, 1, 0.9) == frozenset()
    assert bench.report(1, 2, 0.4) == {1}
    trial = bench.writer.trials[1]
    assert (trial.state, trial.value, trial.epoch) == (TrialState.PRUNED, 0.9, 1)
    assert trial.metrics == metrics(0.9)


def test_the_default_configuration_is_never_stopped_early() -> None:
    bench = Bench()
    bench.take()
    bench.scheduler.answers[0, 1] = Decision.STOP
    assert bench.report(0, 1, 0.0) == frozenset()


def test_a_trial_that_has_converged_is_complete() -> None:
    bench = Bench()
    bench.take()
    bench.scheduler.answers[0, 2] = Decision.FINISH
    bench.report(0, 1, 0.9)
    assert bench.report(0, 2, 0.9) == {0}
    assert bench.state(0) is TrialState.COMPLETE


def test_the_last_epoch_completes_a_trial_without_asking_the_scheduler() -> None:
    bench = Bench(max_epochs=1)
    bench.take()
    assert bench.report(0, 1, 0.7) == {0}
    assert bench.state(0) is TrialState.COMPLETE
    assert ("decide", 0, 1) not in bench.scheduler.calls


def test_a_trial_that_ends_by_itself_is_complete_if_it_measured_anything() -> None:
    bench = Bench(cohort=2)
    bench.take()
    bench.report(0, 1, 0.7)
    bench.controller.report([Report(number=0, epoch=1), Report(number=1, epoch=0)])
    assert bench.state(0) is TrialState.COMPLETE
    failure = bench.writer.trials[1].failure
    assert failure is not None
    assert failure.reason is FailureReason.NO_METRICS


def test_a_trial_that_takes_too_long_in_all_fails_but_a_finished_one_is_never_too_late() -> None:
    bench = Bench(trials=2, max_epochs=9, trial_seconds=3)
    bench.take()
    for epoch in range(1, 9):
        bench.report(0, epoch, 0.5)
    failure = bench.writer.trials[0].failure
    assert failure is not None
    assert failure.reason is FailureReason.TIMEOUT
    assert "limits.time" in failure.message
    patient = Bench(trials=1, max_epochs=1, trial_seconds=0)
    patient.take()
    patient.report(0, 1, 0.5)
    assert patient.state(0) is TrialState.COMPLETE


def test_a_trial_that_breaks_a_constraint_for_good_is_stopped_at_its_first_report_but_never_the_default() -> None:
    bench = Bench(goal=SMALL)
    for number, parameters in ((0, 11), (1, 11), (2, 10)):
        bench.take()
        bench.controller.report([sized(number, 1, 0.25, parameters)])
    assert [bench.state(number) for number in range(3)] == [TrialState.RUNNING, TrialState.PRUNED, TrialState.RUNNING]


def test_a_sampler_that_needs_complete_trials_gets_those_that_break_a_constraint_too() -> None:
    bench = Bench(goal=SMALL, trials=2, stops_hopeless=False)
    for number in range(2):
        (member,) = bench.take().members
        assert member.decision_epochs is None
        for epoch in range(1, 4):
            bench.controller.report([sized(number, epoch, 0.75, 11)])
    assert bench.state(1) is TrialState.COMPLETE
    assert bench.controller.best is None
