"""What failed, and why."""

from collections import defaultdict
from collections.abc import Iterator

from tuner.domain.trial import Failure, TrialRecord, TrialState
from tuner.formatting.values import safe
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Listing, Section, Table, Text

__all__ = ["section"]

_LISTED = 12
_NUMBERS = 12


def section(material: ReportData) -> Section | None:
    """Return the failures, the most frequent first; None where there are none."""
    if not material.of(TrialState.FAIL):
        return None
    return Section(slug="failures", title="What failed", blocks=tuple(_blocks(material)))


def _blocks(material: ReportData) -> Iterator[Block]:
    failed = material.of(TrialState.FAIL)
    finished = material.summary.finished
    yield Text(
        f"{len(failed)} of {finished} finished trials failed. A failed trial counts for nothing else on this page."
    )
    groups: dict[tuple[str, str], list[TrialRecord]] = defaultdict(list)
    for trial in failed:
        groups[_why(trial.failure)].append(trial)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    yield Table(
        headers=("failed", "reason", "what it said", "trials"),
        rows=[(str(len(trials)), reason, message, _numbers(trials)) for (reason, message), trials in ordered[:_LISTED]],
        right=("failed",),
    )
    if len(ordered) > _LISTED:
        yield Text(
            f"{len(ordered) - _LISTED} more reasons: {material.command('trials', '--state', 'fail')}",
            faint=True,
        )
    first = ordered[0][1][0]
    if first.failure is not None and first.failure.traceback:
        yield Listing(text=safe(first.failure.traceback), title=f"Traceback of trial {first.number}")


def _why(failure: Failure | None) -> tuple[str, str]:
    if failure is None:
        return "unknown", "no reason is stored"
    return failure.reason.value.replace("_", " "), safe(failure.message)


def _numbers(trials: list[TrialRecord]) -> str:
    listed = ", ".join(str(trial.number) for trial in trials[:_NUMBERS])
    return f"{listed}, ..." if len(trials) > _NUMBERS else listed
