"""Follows a study that another process runs: polls the storage and yields new events as the run itself has them."""

from datetime import UTC, datetime
from typing import final

from tuner.domain.event import Event, EventKind
from tuner.domain.study_record import companion
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.lease import Clock, LeaseRecord, utc_now
from tuner.storage.store import Store


@final
class Follower:
    """Reads a study again and again, of its trials only those that can have changed. It writes nothing."""

    def __init__(self, store: Store, name: str, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        claim = store.claim(name)  # before the trials: a run that ends in between has left all of them
        self.study, trials = store.read(name)
        self._trials = {trial.number: trial for trial in trials}
        self.began = claim.since if claim is not None and claim.since is not None else clock()

    @property
    def age(self) -> float:
        """For how many seconds the study has been running; since it is watched where its start is not stored."""
        return max(0.0, (self._clock() - self.began).total_seconds())

    @property
    def before(self) -> tuple[TrialRecord, ...]:
        """The trials, as last read, that were over before the run began."""
        return tuple(trial for trial in self._trials.values() if trial.finished and _utc(trial.finished) < self.began)

    def opening(self) -> list[Event]:
        """Return what happened from the beginning of the run to the first look, as far as it still can be seen."""
        before = {trial.number for trial in self.before}
        return [_event(trial) for trial in self._trials.values() if trial.number not in before]

    def look(self) -> list[Event]:
        """Return what happened since the last look."""
        unfinished = [trial.number for trial in self._trials.values() if not trial.state.is_finished]
        found = self._store.news(self.study, unfinished, len(self._trials))
        changed = [trial for trial in found if trial != self._trials.get(trial.number)]
        self._trials.update((trial.number, trial) for trial in changed)
        return [_event(trial) for trial in changed]

    def holder(self) -> LeaseRecord | None:
        """Return the lease of the process that runs the study now; None where none does."""
        return self._holder_of(self.study.name)

    def is_confirmed_now(self) -> bool:
        """Whether the search is over and its best configurations are being trained again."""
        repetitions = companion(self.study.name)
        return repetitions in self._store and self._holder_of(repetitions) is not None

    def _holder_of(self, study: str) -> LeaseRecord | None:
        claim = self._store.claim(study)
        return claim if claim is not None and claim.is_valid(self._clock()) else None

    def silence(self, claim: LeaseRecord) -> float:
        """Return for how many seconds nothing was heard of the holder of `claim`."""
        return claim.silence(self._clock())


def _event(trial: TrialRecord) -> Event:
    if trial.state.is_finished:
        return Event(kind=EventKind.FINISHED, trial=trial)
    kind = EventKind.REPORTED if trial.state is TrialState.RUNNING else EventKind.SUSPENDED
    return Event(kind=kind, trial=trial)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)
