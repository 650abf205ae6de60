"""Records reports: what becomes of the trials, and what the sampler, the scheduler and the policies learn from it."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import final

from tuner.domain.batching import Batching
from tuner.domain.decision import Comparison, Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.event import EventKind
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, TrialRecord, TrialState
from tuner.search.batching_statistics import BatchingStatistics
from tuner.search.early_end import EarlyEnd
from tuner.search.failure_policy import MAX_RETRIES, FailurePolicy, Recovery
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.run_state import RunState
from tuner.search.transitions import ReportTime, after_report, is_judged
from tuner.search.unit_of_work import UnitOfWork


@final
class Recorder:
    """Applies what happened to the state of a run, and collects what has to be stored of it.

    Under a signal a failure says nothing of its trial: the signal is mostly sent to the workers too. So the failed
    trials of a run that `is_signalled` wait, and are continued when the study is resumed.
    """

    def __init__(
        self,
        plan: RunPlan,
        policies: Policies,
        *,
        failures: FailurePolicy,
        early_end: EarlyEnd,
        batching: Batching,
        now: Callable[[], datetime],
    ) -> None:
        self._plan = plan
        self._sampler = policies.sampler
        self._scheduler = policies.scheduler
        self._cohorts = policies.cohorts
        self._failures = failures
        self._early_end = early_end
        self._statistics = BatchingStatistics(policies.cohorts, batching)
        self._now = now
        self._warned: set[str] = set()

    def replay(self, state: RunState, foreign: Collection[int]) -> None:
        """Record what was stored before, in the order of the trials' numbers; nothing is learned of `foreign` ones."""
        state.shorten(self._early_end.most_trials(len(state.trials)))
        for trial in state.trials:
            if trial.number in foreign:
                continue
            self._sampler.observe(trial)
            self._cohorts.give(trial.config)
            for epoch, value in sorted(trial.curve.items()):
                metrics = state.metrics(trial.number).get(epoch, trial.metrics)
                if set(self._plan.goal.metrics) <= {*metrics, self._plan.goal.metric}:  # another program's may lack one
                    self._schedule(trial.number, epoch, {**metrics, self._plan.goal.metric: value})
        is_finite = bool(state.trials) and self._sampler.most_proposals < math.inf
        if is_finite and self._sampler.suggest(len(state.trials)) is None:
            state.exhaust()

    def record(
        self, state: RunState, cohort: int, reports: Sequence[Report], unit: UnitOfWork, *, is_signalled: bool
    ) -> None:
        """Record what members of a cohort reported."""
        for report in reports:
            if report.note and report.note not in self._warned:
                self._warned.add(report.note)
                unit.warn(f"trial {report.number}: {report.note}")
        fresh = [each for each in reports if _is_new(state, each) and not (is_signalled and each.failure)]
        _refuse_unknown_metric(state, fresh)
        members = len(state.members(cohort))
        failing: dict[Recovery, list[Report]] = {recovery: [] for recovery in Recovery}
        for report in fresh:
            if report.failure is not None:
                failing[self._failures.after_failure(report.number, report.failure, members)].append(report)
        for recovery in (Recovery.SPLIT, Recovery.ALONE):
            if failing[recovery]:
                self._put_back_apart(state, failing[recovery], recovery, unit)
        retried = failing[Recovery.RETRY]
        self._apply(state, [each for each in fresh if state.is_running(each.number) and each not in retried], unit)
        self._retry(state, [each for each in retried if state.is_running(each.number)], unit)

    def record_loss(
        self, state: RunState, cohort: int, reason: str, unit: UnitOfWork, *, is_signalled: bool, counts: bool
    ) -> None:
        """Record that the worker of a cohort died, for this reason: its members are handed out again, or fail.

        Where it does not count, none fails.
        """
        failure = Failure(reason=FailureReason.WORKER_LOST, message=f"{reason}, {MAX_RETRIES + 1} times")
        retried: list[TrialRecord] = []
        failed: list[TrialRecord] = []
        for trial in state.members(cohort):
            if counts:
                self._failures.count_loss(trial.number)
            is_retried = is_signalled or not counts or self._failures.after_loss(trial.number) is Recovery.RETRY
            (retried if is_retried else failed).append(trial)
        self._apply(state, [Report(number=each.number, epoch=0, failure=failure) for each in reversed(failed)], unit)
        self.put_back(state, retried, EventKind.LOST, unit)
        state.close(cohort)

    def record_limit(self, state: RunState, cohort: int, failure: Failure, unit: UnitOfWork) -> None:
        """Record that the worker of a cohort was ended because of a limit."""
        members = state.members(cohort)
        reports = [Report(number=trial.number, epoch=0, failure=failure) for trial in members]
        recovery = self._failures.after_limit(failure, len(members))
        if recovery is Recovery.FAIL:
            self._apply(state, reports, unit)
        else:
            self._put_back_apart(state, reports, recovery, unit)
        state.close(cohort)

    def put_back(self, state: RunState, trials: Sequence[TrialRecord], kind: EventKind, unit: UnitOfWork) -> None:
        """Let running trials wait before all others, in their order; the event that says why is of `kind`."""
        waiting = [replace(trial, state=TrialState.WAITING) for trial in trials]
        for trial in waiting:
            unit.change(trial)
        for trial in reversed(waiting):
            state.requeue(trial)
            unit.event(kind, trial)

    def close(self, state: RunState, cohort: int, number: int, unit: UnitOfWork) -> None:
        """Forget a cohort that is over, of which trial `number` was a member, and store what was trained in batches."""
        self._statistics.store(state.trial(number).config, unit)
        state.close(cohort)

    def _retry(self, state: RunState, reports: Sequence[Report], unit: UnitOfWork) -> None:
        """Put trials back whose failures may pass, and say what they were: they are stored nowhere."""
        for report in reports:
            assert report.failure is not None  # or there was nothing to retry
            self._failures.count_retry(report.number)
            unit.warn(f"trial {report.number} is tried again after: {report.failure.summary}")
        self.put_back(state, [state.trial(report.number) for report in reports], EventKind.LOST, unit)

    def _put_back_apart(self, state: RunState, reports: Sequence[Report], recovery: Recovery, unit: UnitOfWork) -> None:
        """Put members of a cohort that failed as a whole back: into smaller cohorts, or each into its own."""
        trials = [state.trial(report.number) for report in reports]
        if recovery is Recovery.SPLIT:
            self._cohorts.overflowed(trials[0].config, len(trials))
            unit.note("cohorts", dict(self._cohorts.limits))
        else:
            state.train_alone(trial.number for trial in trials)
        self.put_back(state, trials, EventKind.LOST, unit)

    def _apply(self, state: RunState, reports: Sequence[Report], unit: UnitOfWork) -> None:
        """Record all reports with the scheduler, then let it judge the trials together, then learn from the outcome."""
        for report in reports:
            if report.metrics is not None:
                self._schedule(report.number, report.epoch, report.metrics)
                self._cohorts.measured(report.seconds)
                self._statistics.count(report)
        self._learn(state, self._changes(state, reports), unit)
        if self._statistics.is_due:
            self._statistics.store(state.trial(reports[0].number).config, unit)

    def _schedule(self, number: int, epoch: int, metrics: Metrics) -> None:
        """Record metrics with the scheduler; an infeasible trial must not affect its ranking of feasible ones."""
        goal = self._plan.goal
        if goal.broken_for_good(metrics):
            return
        if excess := goal.excess(metrics):
            self._scheduler.record_excess(number, epoch, excess)
        if goal.has_several and self._scheduler.compares_several:
            self._scheduler.record_several(number, epoch, goal.merits(metrics))
        else:
            self._scheduler.record(number, epoch, metrics[goal.metric])

    def _changes(self, state: RunState, reports: Sequence[Report]) -> list[TrialUpdate]:
        """Return what the reports change, one after the other; what follows a trial's end changes nothing."""
        trials: dict[int, TrialRecord] = {}
        changes = []
        for report in reports:
            trial = trials.get(report.number, state.trial(report.number))
            if not trial.state.is_finished:
                changes.append(self._after(state, trial, report))
                trials[report.number] = changes[-1].trial
        return changes

    def _after(self, state: RunState, trial: TrialRecord, report: Report) -> TrialUpdate:
        is_open = is_judged(report, self._plan)
        decision = self._scheduler.decide(trial.number, report.epoch) if is_open else Decision.CONTINUE
        now = self._now()
        after = after_report(
            trial,
            report,
            plan=self._plan,
            decision=decision,
            known=state.metrics(trial.number),
            at=ReportTime(now, state.seconds(trial.number, now)),
        )
        if report.metrics is not None:
            state.add_metrics(trial.number, report.epoch, report.metrics)
        comparisons = self._comparisons(trial.number, report.epoch, decision) if is_open else ()
        return TrialUpdate(trial=after, report=report, comparisons=comparisons)

    def _comparisons(self, number: int, epoch: int, decision: Decision) -> tuple[Comparison, ...]:
        """Return what the decision was based on; of those after every epoch, only the one that ends the trial."""
        is_worth_keeping = decision is not Decision.CONTINUE or self._scheduler.decision_epochs(number) is not None
        return self._scheduler.comparisons(number, epoch) if is_worth_keeping else ()

    def _learn(self, state: RunState, changes: Sequence[TrialUpdate], unit: UnitOfWork) -> None:
        """Apply changes; trials that fail are judged by how far all others are after the last change."""
        for change in changes:
            state.add(change.trial)
        furthest = state.furthest
        for change in changes:
            trial = change.trial
            self._sampler.observe(trial)
            if trial.state.is_finished:
                state.finish(trial)
                others_wait = not state.alone.isdisjoint(state.waiting)
                self._failures.count_end(trial, furthest, others_wait=others_wait)
                self._early_end.count(trial)
                state.shorten(self._early_end.most_trials(len(state.trials)))
            unit.change(trial, change.report, change.comparisons)
            kind = EventKind.FINISHED if trial.state.is_finished else EventKind.REPORTED
            unit.event(kind, trial, report=change.report)


def _is_new(state: RunState, report: Report) -> bool:
    """Whether the report is not of an epoch that was recorded before.

    A trial that continues from an older checkpoint repeats epochs; what was recorded first stands.
    """
    return report.metrics is None or report.epoch > state.trial(report.number).last_epoch


def _refuse_unknown_metric(state: RunState, reports: Sequence[Report]) -> None:
    """Raise `ConfigurationError` where the study's very first report lacks the metric: no report would ever have it."""
    failures = [report.failure for report in reports if report.failure is not None]
    missing = [failure for failure in failures if failure.reason is FailureReason.MISSING_METRIC]
    if missing and not any(trial.curve for trial in state.trials):
        raise ConfigurationError(missing[0].message, hint="set `metric` in the study file to one that it yields")
