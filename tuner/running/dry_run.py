"""One epoch of a study's default configuration, before anything expensive starts."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from tuner.analysis.size_check import SizeCheck
from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate, TrialAssignment
from tuner.domain.errors import Mistakes, NoUsableTrialError
from tuner.domain.study import INLINE, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, FailureReason, Metrics, Report
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.inline import run_beside, run_here
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.execution.worker import Worker
from tuner.running.builder import build_components
from tuner.running.code_places import module_folder
from tuner.running.components import RunComponents
from tuner.running.size_check import checked_sizes
from tuner.running.spec_source import RequestedStudy, read_spec

_QUICK = 2.0
"""Seconds that an epoch takes at most where a second one is looked at too."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one epoch of the default configuration showed."""

    components: RunComponents
    metrics: Metrics
    seconds: float
    step: int = 1
    """How far the trial was, in the study's unit, when it first reported."""
    note: str = ""
    """What a person should know of how the objective behaves."""
    sizes: SizeCheck | None = None
    """What is known of a transfer's sizes; None where the study transfers nothing."""


def check(
    study: RequestedStudy, overrides: Mapping[str, Any] | None = None, mistakes: Mistakes | None = None
) -> Preview:
    """Train the default configuration for one epoch, where a study would train it, and store nothing.

    A function runs in a process of its own, everything else in this one. Raises `NoUsableTrialError` with the traceback
    where the objective fails. `mistakes` that were found before are reported with those found here.
    """
    mistakes = mistakes or Mistakes()
    spec, source = read_spec(study, overrides or {}, mistakes)
    with tempfile.TemporaryDirectory(prefix="tuner-check-") as scratch:
        folders = StudyFolders.within(Path(scratch))
        components = build_components(spec, module_folder(spec, source), folders, mistakes)
        member = TrialAssignment(number=0, config=components.space.default, seed=0)
        report, seconds = _first_epoch(
            components.worker_spec, spec, Assignment(id=0, kind=AssignmentKind.TRAIN, members=(member,))
        )
    if report.failure is not None:
        raise NoUsableTrialError(f"the objective failed: {report.failure.message}", hint=report.failure.traceback)
    if report.metrics is None:
        metric = components.goal.metric
        raise NoUsableTrialError(
            "the objective ended without yielding any metrics",
            hint=f"it is to yield or report them while it trains, or to return them, such as {{{metric!r}: 0.5}}",
        )
    return Preview(
        components=components,
        metrics=report.metrics,
        seconds=seconds,
        step=report.epoch,
        note=report.note,
        sizes=checked_sizes(components),
    )


def _goes_on(report: Report, worker_spec: WorkerSpec) -> bool:
    """Whether a function of a person's own is to train another epoch, which it may not do."""
    return (
        worker_spec.isolation is not Isolation.NONE
        and report.metrics is not None
        and not report.is_last
        and worker_spec.max_epochs > 1
    )


def _first_epoch(worker_spec: WorkerSpec, spec: StudySpec, assignment: Assignment) -> tuple[Report, float]:
    """Train the one member of `assignment` for an epoch, end it, and return its report and how long it took."""
    found: list[tuple[Report, float]] = []

    def train(worker: Worker | IsolatedWorker) -> None:
        found.append(_trained(worker, worker_spec, assignment))

    if worker_spec.isolation is not Isolation.NONE and (spec.executor != INLINE or worker_spec.ranks > 1):
        run_beside(worker_spec, train, keeps_logs=False)
    else:
        run_here(worker_spec, train)
    return found[0]


def _trained(worker: Worker | IsolatedWorker, worker_spec: WorkerSpec, assignment: Assignment) -> tuple[Report, float]:
    number = assignment.members[0].number
    began = time.perf_counter()
    try:
        worker.begin(assignment)
        began = time.perf_counter()
        (report, *_) = worker.advance()
        seconds = time.perf_counter() - began
        if _goes_on(report, worker_spec) and seconds < _QUICK:
            worker.follow(CohortUpdate())
            (second, *_) = worker.advance()
            report = replace(report, note=second.note or report.note)
        worker.follow(CohortUpdate(leaving=frozenset({number}), is_over=True))
    except KeyboardInterrupt:
        worker.kill()
        raise
    except WorkLostError as error:
        failure = Failure(reason=FailureReason.WORKER_LOST, message=str(error))
        report, seconds = Report(number=number, epoch=0, failure=failure), time.perf_counter() - began
    except WorkOverranError as error:
        report, seconds = Report(number=number, epoch=0, failure=error.failure), time.perf_counter() - began
    finally:
        worker.close()
    return report, seconds
