"""A writer that outlives outages: results are kept in a file first, and the study waits until the storage is back."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

from tuner.domain.errors import LeaseLostError, StorageError
from tuner.domain.study_writer import StudyWriter, Transaction, TrialUpdate
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.writer import SqlStudyWriter

_STOPPING_SECONDS = 5.0
_LONGEST_PAUSE = 1.0

Waits = Callable[[float, str], None]
"""Called with the seconds that the study has waited, and why; 0 when the storage is back."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds a storage is waited for, and the clock that counts them."""

    seconds: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@final
class RetryingWriter(StudyWriter):
    """Writes a study, waiting for a storage that cannot take it as long as `patience` allows; much less while stopping.

    Raises `StorageError` after that, and at once where waiting cannot help. What came with a lost lease is kept as
    evidence, and `LeaseLostError` is raised.
    """

    def __init__(
        self,
        writer: SqlStudyWriter,
        spill: FallbackFile,
        *,
        waits: Waits,
        is_stopping: Callable[[], bool],
        patience: Patience | None = None,
    ) -> None:
        self._writer = writer
        self._spill = spill
        self._waits = waits
        self._is_stopping = is_stopping
        self._patience = patience or Patience()

    def recover(self) -> int:
        """Store what an earlier run could not, and return how many reports that were."""
        recovered = 0
        for kept in self._spill.read():
            changes = self._writer.unwritten(kept)
            if changes:
                self._writer.write(changes)
            recovered += sum(change.report is not None for change in changes)
        self._spill.clear()
        return recovered

    def store(self, transaction: Transaction) -> None:
        def again() -> None:
            left = replace(
                transaction,
                begun=tuple(self._writer.unbegun(transaction.begun)),
                changes=tuple(self._writer.unwritten(transaction.changes)),
            )
            if not left.is_empty:
                self._writer.store(left)
            if transaction.changes:
                self._spill.clear()

        try:
            self._insist(lambda: self._writer.store(transaction), again, transaction.changes)
        except LeaseLostError as error:
            if transaction.changes:
                self._spill.keep_late(transaction.changes)
                error.hint += f"; what was measured since is kept, and not counted, in {self._spill.late_file}"
            raise

    def _insist(self, act: Callable[[], None], again: Callable[[], None], results: Sequence[TrialUpdate] = ()) -> None:
        try:
            act()
        except StorageError as error:
            kept = self._keep(results)
            self._outlast(error, again, kept)

    def _keep(self, results: Sequence[TrialUpdate]) -> str:
        """Keep results in a file; return where they are, in words."""
        if not results:
            return "nothing that was measured is lost"
        try:
            self._spill.keep(results)
        except OSError as error:
            return f"the last results could not be kept in {self._spill.file} either: {error.strerror}"
        return f"the last results are kept in {self._spill.file}"

    def _outlast(self, error: StorageError, again: Callable[[], None], kept: str) -> None:
        """Try `again` until it works or patience ends."""
        clock = self._patience.clock
        began = clock()
        pause = 0.05
        while error.may_pass and clock() - began < self._longest():
            self._waits(clock() - began, error.message)
            self._patience.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                again()
            except StorageError as repeated:
                error = repeated
            else:
                self._waits(0, "")
                return
        raise StorageError(error.message, hint=f"{error.hint}\n{kept}; resuming the study stores them") from error

    def _longest(self) -> float:
        return _STOPPING_SECONDS if self._is_stopping() else self._patience.seconds
