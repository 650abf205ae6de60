"""All that a report is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

from tuner.analysis import queries
from tuner.analysis.importance import Importance, importance_of
from tuner.analysis.importance.encoding import Axis, axes_of, values_of
from tuner.domain.config import Scalar
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.location import Location
from tuner.storage.store import Store
from tuner.system.environment import environment

_DRAWN = 1_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A study with its trials and what follows from them; `repetitions` are trainings of the best to confirm them.

    `values` has each trial's parameters by path, `axes` the parameters themselves.
    `storage` is where it is kept, for people, without a password. `environment` is what it ran on, or, where
    `is_own_environment` is false, what the report was written on.
    """

    study: StudyRecord
    trials: Sequence[TrialRecord]
    repetitions: Sequence[TrialRecord]
    summary: queries.Summary
    importance: Importance
    values: Mapping[int, Mapping[str, Scalar]]
    axes: tuple[Axis, ...]
    storage: str
    location: Location
    environment: Mapping[str, str]
    is_own_environment: bool
    written: datetime

    @property
    def metric(self) -> str:
        """The study's metric."""
        return self.study.metric

    @property
    def direction(self) -> Direction:
        """Which way the metric is better."""
        return self.study.direction

    @property
    def spec(self) -> Mapping[str, Any]:
        """What the study was asked to do; empty for one that plain Optuna made."""
        return self.study.spec

    @property
    def unit(self) -> FidelityUnit:
        """What the study counts its trials' training in."""
        return self.summary.study.fidelity.unit

    @property
    def max_epochs(self) -> int:
        """How far a trial could have been trained."""
        longest = max((trial.last_epoch for trial in self.trials), default=0)
        return self.summary.study.fidelity.most or longest

    def of(self, state: TrialState) -> tuple[TrialRecord, ...]:
        """Return the trials in a state."""
        return queries.in_state(self.trials, state)

    @property
    def drawn(self) -> tuple[TrialRecord, ...]:
        """The trials that have a standing, the best first; so many of them, evenly, as a figure shows fluently."""
        numbers = sorted(self.importance.standings, key=lambda number: -self.importance.standings[number])
        by_number = {trial.number: trial for trial in self.trials}
        return tuple(by_number[number] for number in numbers[:: -(-len(numbers) // _DRAWN) or 1])

    def command(self, name: str, *options: str) -> str:
        """Return the command line that does this with the study, such as `best`, to be pasted."""
        return self.location.command(name, self.study.name, *options)


def gather(store: Store, name: str) -> ReportData:
    """Return all that is known of a study; raises `StudyNotFoundError`."""
    study, trials = store.view(name)
    repetitions = store.repetitions(name)
    values = {trial.number: values_of(study, trial) for trial in trials}
    stored = study.notes.get("environment")
    location = store.location
    return ReportData(
        study=study,
        trials=trials,
        repetitions=repetitions,
        summary=queries.summarise(study, trials, repetitions),
        importance=importance_of(study, trials),
        values=values,
        axes=axes_of(study.space, tuple(values.values())),
        storage=str(location),
        location=location,
        environment=stored or environment(),
        is_own_environment=stored is not None,
        written=datetime.now(UTC),
    )
