"""A stored study that this process holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord
from tuner.storage.location import Location
from tuner.storage.store import Store
from tuner.storage.writer import SqlStudyWriter


@final
@dataclass(frozen=True, slots=True)
class HeldStudy:
    """Where a study and its files are stored, and what writes it as long as this process holds it."""

    store: Store
    location: Location
    """With the folder of its files."""
    name: str
    writer: SqlStudyWriter

    @property
    def record(self) -> StudyRecord:
        """The study as it is stored now, without its trials."""
        return self.store.study(self.name)

    def read(self) -> tuple[StudyRecord, tuple[TrialRecord, ...]]:
        """Return the study and its trials as they are stored now."""
        return self.store.read(self.name)


@contextmanager
def holding(store: Store, location: Location, name: str) -> Iterator[HeldStudy]:
    """Hold a study; raises `StudyNotFoundError`, and `StudyHeldError` where another process has it."""
    with store.holding(name) as writer:
        yield HeldStudy(store, location, name, writer)
