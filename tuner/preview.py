"""One epoch of a study's default configuration, before anything expensive starts."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.asking import Asked, module_folder, read_spec
from tuner.assembly import Assembly, assemble
from tuner.domain.errors import NoUsableTrialError
from tuner.domain.trial import Metrics
from tuner.domain.work import Member, Work, WorkKind
from tuner.execution.worker import Worker


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one epoch of the default configuration showed."""

    assembly: Assembly
    metrics: Metrics
    seconds: float


def check(study: Asked, overrides: Mapping[str, Any] | None = None) -> Preview:
    """Train the default configuration for one epoch in this process, and store nothing.

    Raises `NoUsableTrialError` with the traceback where the objective fails.
    """
    spec, source = read_spec(study, overrides or {})
    with tempfile.TemporaryDirectory(prefix="tuner-check-") as scratch:
        assembly = assemble(spec, module_folder(spec.objective, source), Path(scratch))
        worker = Worker(assembly.job)
        member = Member(number=0, config=assembly.space.default, seed=0)
        worker.begin(Work(id=0, kind=WorkKind.TRAIN, members=(member,)))
        began = time.perf_counter()
        (report,) = worker.advance()
        seconds = time.perf_counter() - began
    if report.failure is not None:
        raise NoUsableTrialError(f"the objective failed: {report.failure.message}", hint=report.failure.traceback)
    if report.metrics is None:
        raise NoUsableTrialError("the objective ended without yielding any metrics")
    return Preview(assembly=assembly, metrics=report.metrics, seconds=seconds)
