"""Results that the storage could not take: kept in files until it can.

One line is what one transaction would have stored, as JSON, flushed to the disk before the run relies on it. A line
that was cut off by a crash is ignored: the run had not relied on it yet.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.decision import Comparison
from tuner.domain.errors import StorageError
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Failure, FailureReason, Report, TrialRecord, TrialState
from tuner.formatting.redaction import redacted
from tuner.system.files import private
from tuner.system.untrusted_files import json_of, opened


@final
class FallbackFile:
    """The files of one study: results to be stored, and late ones, which came when the study was another process's."""

    def __init__(self, folder: Path, study: str) -> None:
        self.file = folder / "spilled" / f"{study}.jsonl"
        self.late_file = folder / "spilled" / f"{study}.late.jsonl"

    def keep(self, changes: Sequence[TrialUpdate]) -> None:
        """Keep what the storage cannot take now; raises OSError where the disk cannot either."""
        _append(self.file, [_described(change) for change in changes])

    def keep_late(self, changes: Sequence[TrialUpdate]) -> None:
        """Keep, as evidence, what came too late to count."""
        _append(self.late_file, [_described(change) for change in changes])

    def read(self) -> list[list[TrialUpdate]]:
        """Return what was kept, one list for each transaction, oldest first.

        Raises `StorageError` for a whole line that tuner cannot have written: what was measured is not skipped.
        """
        return [*_entries(self.file)]

    def clear(self) -> None:
        """Forget what was kept: it has been stored."""
        self.file.unlink(missing_ok=True)
        with suppress(OSError):  # others' results are in there
            self.file.parent.rmdir()


def _append(file: Path, entry: Sequence[Mapping[str, Any]]) -> None:
    private(file.parent)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as lines:
        # It begins with a line end too: the line before may have been cut off.
        lines.write(f"\n{json.dumps(entry)}\n")
        lines.flush()
        os.fsync(handle)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _entries(file: Path) -> Iterator[list[TrialUpdate]]:
    if file.is_symlink() or not file.is_file():  # no run keeps results behind a link
        return
    with opened(file) as stream:
        lines = stream.read().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            entry = json_of(line.decode())
        except ValueError:  # cut off
            continue
        try:
            yield [_parsed(each) for each in entry]
        except (TypeError, KeyError, ValueError, IndexError) as error:
            raise StorageError(
                f"line {number} of {file} holds no results: {type(error).__name__}: {error}",
                hint="results that the storage could not take are kept there; move it away to resume without them",
            ) from error


def _described(change: TrialUpdate) -> dict[str, Any]:
    trial, report = change.trial, change.report
    failure = trial.failure
    return {
        "number": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        "epoch": trial.epoch,
        "metrics": dict(trial.metrics),
        "started": trial.started and trial.started.isoformat(),
        "finished": trial.finished and trial.finished.isoformat(),
        "failure": failure and [failure.reason.value, redacted(failure.message), redacted(failure.traceback)],
        "report": report and [report.epoch, None if report.metrics is None else dict(report.metrics)],
        "comparisons": [each.describe() for each in change.comparisons],
    }


def _parsed(stored: Mapping[str, Any]) -> TrialUpdate:
    number, failure, report = stored["number"], stored["failure"], stored["report"]
    trial = TrialRecord(
        number=number,
        state=TrialState(stored["state"]),
        config=Config({}),  # stored when the trial was begun
        value=stored["value"],
        epoch=stored["epoch"],
        metrics=stored["metrics"],
        started=stored["started"] and datetime.fromisoformat(stored["started"]),
        finished=stored["finished"] and datetime.fromisoformat(stored["finished"]),
        failure=failure and Failure(reason=FailureReason(failure[0]), message=failure[1], traceback=failure[2]),
    )
    return TrialUpdate(
        trial=trial,
        report=report and Report(number=number, epoch=report[0], metrics=report[1]),
        comparisons=tuple(map(Comparison.parsed, stored.get("comparisons", ()))),
    )
