"""The state of a run: its trials, which of them wait, and which train in which cohort."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import final

from tuner.domain.config import Config
from tuner.domain.trial import Metrics, TrialRecord

_NO_METRICS: Mapping[int, Metrics] = MappingProxyType({})


@final
class RunState:
    """What the controller remembers of a run, in memory; it decides nothing and stores nothing.

    `trials` are those stored before, of which the unfinished ones wait. `metrics` has every metric that the unfinished
    ones reported, by trial number and epoch. `target` is how many trials there are to be in all.
    """

    def __init__(
        self,
        trials: Iterable[TrialRecord] = (),
        metrics: Mapping[int, Mapping[int, Metrics]] | None = None,
        *,
        target: int,
    ) -> None:
        self._trials = {trial.number: trial for trial in trials}
        self._metrics = {number: dict(epochs) for number, epochs in (metrics or {}).items()}
        for number, known in self._metrics.items():
            trial = self._trials[number]
            if not trial.state.is_finished:  # the metrics of an unfinished trial are stored with its reports only
                self._trials[number] = replace(trial, metrics=known.get(trial.epoch, {}))
        self._waiting = deque(trial.number for trial in self._trials.values() if not trial.state.is_finished)
        self._target = target
        self._settled = 0
        self._settle()
        self._cohorts: dict[int, int] = {}
        self._members: dict[int, set[int]] = {}
        self._shapes: dict[int, Config] = {}
        self._started: dict[int, datetime] = {}
        self._alone: set[int] = set()
        self._is_exhausted = False

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial as it now is, in the order of their numbers."""
        return tuple(self._trials.values())

    @property
    def waiting(self) -> tuple[int, ...]:
        """The numbers of the trials that wait for a cohort, those to be handed out first before the others."""
        return tuple(self._waiting)

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers of the trials that are being trained, ascending."""
        return tuple(sorted(self._cohorts))

    @property
    def alone(self) -> frozenset[int]:
        """The numbers of the trials that may not share a cohort."""
        return frozenset(self._alone)

    @property
    def num_settled(self) -> int:
        """How many trials are over before the first one that is not."""
        return self._settled

    @property
    def left(self) -> int:
        """How many more trials the target allows."""
        return self._target - len(self._trials)

    @property
    def wants_trials(self) -> bool:
        """Whether there are to be more trials, and the sampler may have more configurations."""
        return self.left > 0 and not self._is_exhausted

    @property
    def unfinished(self) -> int:
        """How many trials are not finished."""
        return sum(not trial.state.is_finished for trial in self._trials.values())

    @property
    def furthest(self) -> int:
        """The last epoch that an unfinished trial has reported, 0 where none has."""
        unfinished = (self._trials[number] for number in (*self._cohorts, *self._waiting))
        return max((trial.last_epoch for trial in unfinished if not trial.state.is_finished), default=0)

    def trial(self, number: int) -> TrialRecord:
        """Return the trial as it now is."""
        return self._trials[number]

    @property
    def num_cohorts(self) -> int:
        """How many cohorts are being trained."""
        return len(self._members)

    def is_running(self, number: int) -> bool:
        """Whether the trial is being trained."""
        return number in self._cohorts

    def cohort_of(self, number: int) -> int:
        """Return the id of the cohort that the running trial is a member of."""
        return self._cohorts[number]

    def members(self, cohort: int) -> tuple[TrialRecord, ...]:
        """Return the trials of the cohort in the order of their numbers."""
        return tuple(self._trials[number] for number in sorted(self._members[cohort]))

    def shape(self, cohort: int) -> Config:
        """Return a configuration of the shape that the members of the cohort have."""
        return self._shapes[cohort]

    def seconds(self, number: int, now: datetime) -> float:
        """Return how long the running trial has been in its cohort."""
        return (now - self._started[number]).total_seconds()

    def metrics(self, number: int) -> Mapping[int, Metrics]:
        """Return all that the unfinished trial has measured, by epoch."""
        return self._metrics.get(number, _NO_METRICS)

    def add(self, trial: TrialRecord) -> None:
        """Record a trial, a new one or one that has changed."""
        self._trials[trial.number] = trial
        self._settle()

    def add_metrics(self, number: int, epoch: int, metrics: Metrics) -> None:
        """Record what the unfinished trial measured after `epoch`."""
        self._metrics.setdefault(number, {})[epoch] = metrics

    def start(self, trials: Sequence[TrialRecord], cohort: int, now: datetime) -> None:
        """Make trials members of a cohort; those that begin it, or begin it anew, give it their shape."""
        members = self._members.setdefault(cohort, set())
        if trials and not members:
            self._shapes[cohort] = trials[0].config
        for trial in trials:
            self.add(trial)
            members.add(trial.number)
            self._cohorts[trial.number] = cohort
            self._started[trial.number] = now

    def take(self, numbers: Iterable[int]) -> None:
        """Take trials out of those that wait, to be started."""
        for number in numbers:
            self._waiting.remove(number)

    def requeue(self, trial: TrialRecord) -> None:
        """Take the trial out of its cohort, and let it wait before all others."""
        self._leave(trial)
        self._waiting.appendleft(trial.number)

    def enqueue(self, trial: TrialRecord) -> None:
        """Take the trial out of its cohort, where it is in one, and let it wait after all others."""
        self._leave(trial)
        self._waiting.append(trial.number)

    def finish(self, trial: TrialRecord) -> None:
        """Take the finished trial out of its cohort."""
        self._leave(trial)
        self._metrics.pop(trial.number, None)

    def train_alone(self, numbers: Iterable[int]) -> None:
        """Let these trials share no cohort from now on."""
        self._alone.update(numbers)

    def close(self, cohort: int) -> None:
        """Forget a cohort that no trial is a member of any more."""
        del self._members[cohort], self._shapes[cohort]

    def shorten(self, target: int) -> None:
        """Let there be no more than so many trials in all."""
        self._target = min(self._target, target)

    def retarget(self, target: int) -> None:
        """Let there be so many trials in all."""
        self._target = target

    def exhaust(self) -> None:
        """Record that the sampler has no more configurations."""
        self._is_exhausted = True

    def _settle(self) -> None:
        while (trial := self._trials.get(self._settled)) is not None and trial.state.is_finished:
            self._settled += 1

    def _leave(self, trial: TrialRecord) -> None:
        self.add(trial)
        cohort = self._cohorts.pop(trial.number, None)
        if cohort is not None:
            self._members[cohort].discard(trial.number)
