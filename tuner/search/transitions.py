"""The state machine of a running trial: what it is after a report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import final

from tuner.domain.decision import Decision
from tuner.domain.goal import Goal
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, TrialRecord, TrialState, best_epoch
from tuner.search.plan import RunPlan


@final
@dataclass(frozen=True, slots=True)
class ReportTime:
    """When a report came: the time, and how many seconds the trial had run by then."""

    now: datetime
    seconds: float


def is_judged(report: Report, plan: RunPlan) -> bool:
    """Whether the scheduler decides what becomes of the trial after `report`: nothing else does."""
    if report.metrics is None or _is_done(report, plan):
        return False
    return not plan.goal.broken_for_good(report.metrics)


def after_report(
    trial: TrialRecord,
    report: Report,
    *,
    plan: RunPlan,
    decision: Decision,
    known: Mapping[int, Metrics],
    at: ReportTime,
) -> TrialRecord:
    """Return the unfinished `trial` as it is after `report`.

    `decision` is the scheduler's where the report `is_judged`. `known` are the metrics of earlier epochs. A
    finished trial has the configuration of its best epoch.
    """
    now = at.now
    if report.failure is not None:
        after = _failed(trial, report.failure, now)
    elif report.metrics is None:
        after = _ended(trial, plan, now)
    else:
        state = _state_after(trial.number, report, report.metrics, plan, decision)
        measured = _measured(trial, report.epoch, report.metrics, known, plan.goal)
        after = replace(measured, state=state, finished=now if state.is_finished else None)
        if not state.is_finished and plan.trial_seconds is not None and at.seconds > plan.trial_seconds:
            message = f"it was not done within the {plan.trial_seconds:g} s that limits.time allows"
            after = _failed(after, Failure(reason=FailureReason.TIMEOUT, message=message), now)
    return replace(after, config=after.config_at(after.epoch)) if after.state.is_finished else after


def _is_done(report: Report, plan: RunPlan) -> bool:
    """Whether the trial has nothing left to train, whatever a scheduler thinks."""
    return report.is_last or report.epoch >= plan.max_epochs


def _failed(trial: TrialRecord, failure: Failure, now: datetime) -> TrialRecord:
    return replace(trial, state=TrialState.FAIL, failure=failure, finished=now)


def _ended(trial: TrialRecord, plan: RunPlan, now: datetime) -> TrialRecord:
    """Return the trial after its objective ended by itself, without metrics in this report."""
    if trial.curve:
        return replace(trial, state=TrialState.COMPLETE, finished=now)
    message = f"the objective ended without yielding a single {{{plan.goal.metric!r}: number}}"
    return _failed(trial, Failure(reason=FailureReason.NO_METRICS, message=message), now)


def _measured(
    trial: TrialRecord, epoch: int, metrics: Metrics, known: Mapping[int, Metrics], goal: Goal
) -> TrialRecord:
    """Return the trial with the `metrics` that it measured after `epoch`; `known` are those of earlier epochs."""
    curve = {**trial.curve, epoch: metrics[goal.metric]}
    best = best_epoch(curve, goal.direction)
    return replace(
        trial, curve=curve, value=curve[best], epoch=best, metrics=metrics if best == epoch else known.get(best, {})
    )


def _state_after(number: int, report: Report, metrics: Metrics, plan: RunPlan, decision: Decision) -> TrialState:
    if _is_done(report, plan):
        return TrialState.COMPLETE
    # The default configuration is trained to the end: what tuning gained is measured against it.
    may_stop = number != 0
    if plan.goal.broken_for_good(metrics):
        return TrialState.PRUNED if plan.stops_hopeless and may_stop else TrialState.RUNNING
    if decision is Decision.FINISH:
        return TrialState.COMPLETE
    return TrialState.PRUNED if decision is Decision.STOP and may_stop else TrialState.RUNNING
