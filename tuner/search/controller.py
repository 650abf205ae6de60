"""The brain: hands out work, takes reports, answers who stops.

It knows neither Ray nor a database nor torch: executors call it, and it calls a sampler, a scheduler and a journal. The
same reports in the same order lead to the same decisions, whatever executor brings them. Not thread-safe: one thread
runs a study.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import final

from tuner.domain import ranking
from tuner.domain.assignment import Answer, Exploit, Member, Work, WorkKind
from tuner.domain.batching import NOTE, Batching
from tuner.domain.config import Config
from tuner.domain.decision import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.goal import Goal
from tuner.domain.run_controller import Director, StopCause
from tuner.domain.sampler import NOTHING_HELD, Held, Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_writer import Change, Journal
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, TrialRecord, TrialState, best_epoch
from tuner.search.cohort_policy import Cohorts
from tuner.search.failure_policy import Breaker
from tuner.search.population import Generations

MAX_RETRIES = 2
"""How often a trial is handed out again after its worker died."""

_TOO_LARGE = (FailureReason.OUT_OF_MEMORY, FailureReason.MEMORY_LIMIT)

_OF_THE_COHORT = (FailureReason.OUT_OF_MEMORY, FailureReason.COHORT_RAISED)
"""Failures that are no member's own as long as there are several."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to reach: `trials` in all, of at most `max_epochs`, the best by `goal`."""

    trials: int
    max_epochs: int
    goal: Goal
    seed: int
    default: Config
    tests: bool
    """Whether trials are tested at the end."""
    folders: StudyFolders | None = None
    """What the trials write into; None: the job's own folders."""
    trial_seconds: float | None = None
    """How long a trial may take in one run."""
    stops_hopeless: bool = False
    """Whether a trial ends at once that breaks a constraint for good."""
    parallel: int = 1
    """How many cohorts are trained at a time."""
    grows: bool = False
    """Whether trials can join a cohort that is being trained."""
    exploits: bool = False
    """Whether a member of a cohort can go on from another's state, without a checkpoint."""


ToTest = Callable[[Sequence[TrialRecord]], Sequence[TrialRecord]]
"""Chooses, at the end of a run, which trials are tested."""


@final
class Controller(Director):
    """Runs one study to its target.

    `trials` are those stored before; unfinished ones are handed out first and go on where they were recorded. `metrics`
    has every metric that the unfinished ones reported, by trial number and epoch. `tested` are the numbers of those
    that were tested before; without `to_test` it is the best trial that is tested, and the study notes what that gave.
    `works` is how many were handed out in this run before. `batching` is what an earlier run has counted. Of `foreign`
    trials, which another program added with parameters of its own, nothing is learned.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        sampler: Sampler,
        scheduler: Scheduler,
        cohorts: Cohorts,
        journal: Journal,
        now: Callable[[], datetime],
        listeners: Sequence[Listener] = (),
        trials: Sequence[TrialRecord] = (),
        metrics: Mapping[int, Mapping[int, Metrics]] | None = None,
        tested: Collection[int] = (),
        to_test: ToTest | None = None,
        works: int = 0,
        batching: Batching | None = None,
        foreign: Collection[int] = (),
    ) -> None:
        self.plan = plan
        self._sampler = sampler
        self._scheduler = scheduler
        self._cohorts = cohorts
        self._journal = journal
        self._now = now
        self._listeners = tuple(listeners)
        self._tested = set(tested)
        self._to_test = to_test
        self._trials = {trial.number: trial for trial in trials}
        self._metrics = {number: dict(epochs) for number, epochs in (metrics or {}).items()}
        self._waiting = deque(trial.number for trial in trials if not trial.state.is_finished)
        self._live: dict[int, int] = {}
        self._members: dict[int, set[int]] = {}
        self._shapes: dict[int, Config] = {}
        self._alone: set[int] = set()
        self._generations = Generations(scheduler, cohorts, plan.seed)
        self._testing: int | None = None
        self._losses: Counter[int] = Counter()
        self._began: dict[int, datetime] = {}
        self._breaker = Breaker(trials)
        self._works = works
        self._batching = batching or Batching()
        self._batching_noted = self._batching.epochs
        self._exhausted = False
        self._said: set[str] = set()
        self._stop: StopCause | None = None
        self._replay(foreign)

    def _replay(self, foreign: Collection[int]) -> None:
        """Tell the sampler, the scheduler and the cohorts what was stored, in the order of the trials' numbers."""
        for number, known in self._metrics.items():
            trial = self._trials[number]
            if not trial.state.is_finished:  # the metrics of an unfinished trial are stored with its reports alone
                self._trials[number] = replace(trial, metrics=known.get(trial.epoch, {}))
        for trial in self._trials.values():
            if trial.number in foreign:
                continue
            self._sampler.observe(trial)
            self._cohorts.give(trial.config)
            for epoch, value in sorted(trial.curve.items()):
                if not self.plan.goal.broken_for_good(self._metrics.get(trial.number, {}).get(epoch, trial.metrics)):
                    self._scheduler.record(trial.number, epoch, value)
        if self._trials and self._sampler.most_proposals < math.inf:
            self._exhausted = self._sampler.suggest(len(self._trials)) is None

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial as it now is, in the order of their numbers."""
        return tuple(self._trials.values())

    @property
    def stop_cause(self) -> StopCause | None:
        return self._stop

    @property
    def is_finished(self) -> bool:
        if self._live or self._testing is not None:
            return False
        return self._stop is not None or not (self._waiting or self._wants_trials or self._untested is not None)

    def stop(self, cause: StopCause) -> None:
        if self._stop is None:
            self._stop = cause

    def next_work(self) -> Work | None:
        if self._stop is not None:
            return None
        trials = self._continued() or self._begun()
        if trials:
            return self._train(trials)
        if not self._live and self._testing is None:
            return self._test()
        return None

    def report(self, reports: Iterable[Report], *, admits: bool = True) -> Answer:
        live = [report for report in reports if report.number in self._live]
        if not live:
            return Answer(is_over=True)
        for report in live:
            if report.note and report.note not in self._said:
                self._said.add(report.note)
                self._warn(f"trial {report.number}: {report.note}")
        cohort = self._live[live[0].number]
        fresh = [report for report in live if self._is_news(report) and not self._is_of_the_signal(report)]
        before = frozenset(self._members[cohort])
        self._refuse_unknown_metric(fresh)
        self._return_together([report for report in fresh if self._is_of_the_cohort(report)])
        self._record([report for report in fresh if report.number in self._live])
        exploits = self._exploited_in_place(cohort)
        suspended = self._suspend(sorted(before & self._live.keys())) | self._gathered(cohort)
        leaving = before - self._live.keys()
        joining = self._joining(cohort) if admits else ()
        is_over = not self._members[cohort]
        if is_over:
            self._note_batching(live[0].number)
            self._forget(cohort)
        return Answer(leaving=leaving, suspended=suspended, joining=joining, exploits=exploits, is_over=is_over)

    def _exploited_in_place(self, cohort: int) -> tuple[Exploit, ...]:
        """Let members go on from each other's states where nobody outside the cohort has to be waited for."""
        members = [self._trials[number] for number in sorted(self._members[cohort])]
        unfinished = sum(not trial.state.is_finished for trial in self._trials.values())
        if self._stop is not None or not self.plan.exploits or self._wants_trials or unfinished > len(members):
            return ()
        if not members or len({trial.last_epoch for trial in members}) > 1 or not self._generations.gathers(members[0]):
            return ()
        return tuple(
            Exploit(member=self._member(trial), source=trial.schedule[-1].source or 0)
            for trial in self._exploit(members, members[0].last_epoch)
        )

    def _gathered(self, cohort: int) -> frozenset[int]:
        """Take the members out that wait for the rest of their generation, and return who that is."""
        members = [self._trials[number] for number in sorted(self._members[cohort])]
        waiting = [
            replace(trial, state=TrialState.WAITING)
            for trial in members
            if self._generations.gathers(trial) and not self._generations.is_decided(trial)
        ]
        if waiting:
            self._journal.write([Change(trial=trial) for trial in waiting])
        for trial in waiting:
            self._trials[trial.number] = trial
            self._leave(trial.number)
            self._waiting.append(trial.number)
            self._notify(EventKind.GATHERED, trial)
        return frozenset(trial.number for trial in waiting)

    def _exploit(self, trials: Sequence[TrialRecord], epoch: int) -> list[TrialRecord]:
        """Decide who of a generation goes on from whom, store it, and return those who do."""
        exploiting = self._generations.decided(trials, epoch)
        if exploiting:
            self._journal.reschedule(exploiting)
        for trial in exploiting:
            self._trials[trial.number] = trial
            self._notify(EventKind.EXPLOITED, trial)
        return exploiting

    def _record(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if report.metrics is not None:
                # What is of no use, however good it is, must not stand in the way of what is.
                if not self.plan.goal.broken_for_good(report.metrics):
                    self._scheduler.record(report.number, report.epoch, report.metrics[self.plan.goal.metric])
                self._cohorts.measured(report.seconds)
                self._batching = self._batching.counting(report)
        changes = self._changes(reports)
        self._journal.write(changes)
        self._remember_all(changes)
        if self._batching.epochs > 2 * self._batching_noted:
            self._note_batching(reports[0].number)

    def _note_batching(self, number: int) -> None:
        """Store how much was trained in batches: after twice as many epochs as the last time, and with each cohort."""
        if self._batching.epochs == self._batching_noted:
            return
        bound = self._cohorts.bound(self._trials[number].config)
        self._batching = replace(self._batching, most=bound.members, bound=bound.reason)
        self._batching_noted = self._batching.epochs
        self._journal.annotate(NOTE, self._batching.describe())

    def _remember_all(self, changes: Sequence[Change]) -> None:
        """Take note of stored changes; trials that fail are judged by how far all others are after the last of them."""
        for change in changes:
            self._trials[change.trial.number] = change.trial
        unfinished = (self._trials[number] for number in (*self._live, *self._waiting))
        furthest = max((trial.last_epoch for trial in unfinished if not trial.state.is_finished), default=0)
        for change in changes:
            self._remember(change.trial, furthest)
        for change in changes:  # once all is as it is stored: what hears of it may end the run
            kind = EventKind.FINISHED if change.trial.state.is_finished else EventKind.REPORTED
            self._notify(kind, change.trial, report=change.report)

    def lost(self, work: Work, reason: str) -> None:
        if work.kind is WorkKind.TEST:
            self.tested(work, Failure(reason=FailureReason.WORKER_LOST, message=reason))
            return
        members = sorted(self._members[work.id], reverse=True)
        self._losses.update(members)
        failure = Failure(reason=FailureReason.WORKER_LOST, message=f"{reason}, {MAX_RETRIES + 1} times")
        again = [number for number in members if self._is_signalled or self._losses[number] <= MAX_RETRIES]
        failed = [Report(number=number, epoch=0, failure=failure) for number in members if number not in again]
        changes = self._changes(failed)
        waiting = [replace(self._trials[number], state=TrialState.WAITING) for number in again]
        self._journal.write([*changes, *(Change(trial=trial) for trial in waiting)])
        self._remember_all(changes)
        for trial in waiting:
            self._put_back(trial, EventKind.LOST)
        self._forget(work.id)

    def overran(self, work: Work, failure: Failure) -> None:
        if work.kind is WorkKind.TEST:
            self.tested(work, failure)
            return
        if self._is_signalled:  # the signal may have been sent to the trial too
            self.lost(work, failure.message)
            return
        members = sorted(self._members[work.id])
        reports = [Report(number=number, epoch=0, failure=failure) for number in members]
        if len(members) > 1:
            self._return_together(reports)
        else:
            self._record(reports)
        self._forget(work.id)

    def tested(self, work: Work, outcome: Metrics | Failure | None) -> None:
        (member,) = work.members
        self._testing = None
        if self._is_signalled and isinstance(outcome, Failure):
            return
        self._tested.add(member.number)
        key = "test" if self._to_test is None else f"test:{member.number}"
        if outcome is None:
            self._journal.annotate(key, {"number": member.number})  # a resumed study does not ask again
            return
        if isinstance(outcome, Failure):
            self._journal.annotate(key, {"number": member.number, "failure": outcome.message})
            return
        self._journal.annotate(key, {"number": member.number, "metrics": dict(outcome)})
        self._notify(EventKind.TESTED, self._trials[member.number], outcome)

    def abandon(self) -> None:
        self._testing = None
        self._suspend(sorted(self._live), force=True)

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial that meets the constraints, the earliest of several; None before the first."""
        return ranking.best(self._trials.values(), self.plan.goal)

    @property
    def _wants_trials(self) -> bool:
        return len(self._trials) < self.plan.trials and not self._exhausted

    @property
    def _untested(self) -> TrialRecord | None:
        if not self.plan.tests:
            return None
        chosen = self._the_best if self._to_test is None else self._to_test
        return next((trial for trial in chosen(self.trials) if trial.number not in self._tested), None)

    def _the_best(self, trials: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
        best = ranking.best(trials, self.plan.goal)
        return () if best is None else (best,)

    def _begun(self) -> list[TrialRecord]:
        """Begin the trials of a new cohort, and return them as they are stored; none where there are no more."""
        first = self._proposed() if self._wants_trials else None
        if first is None:
            return []
        room = self._cohorts.room(first.config, members=1)
        return self._stored([first, *self._proposed_like(first.config, room)])

    def _continued(self) -> list[TrialRecord]:
        """Go on with trials that wait, those of one shape together; new ones take the places that are left."""
        ready = self._ready()
        if not ready:
            return []
        numbers = self._waiting_like(ready)
        for number in numbers:
            self._waiting.remove(number)
        old = [replace(self._trials[number], state=TrialState.RUNNING) for number in numbers]
        self._journal.write([Change(trial=trial) for trial in old])
        if numbers[0] in self._alone:
            return old
        config = old[0].config
        room = self._cohorts.room(config, len(old))
        if any(trial.last_epoch for trial in old):  # else the sampler has just chosen this shape
            room = min(room, self._cohorts.left(config)) if room else 0
        return [*old, *self._filled(config, room)]

    def _ready(self) -> list[int]:
        """Return the waiting trials that can go on: not those whose generation is not all there yet."""
        gathering = {number for number in self._waiting if self._generations.gathers(self._trials[number])}
        for epoch in sorted({self._trials[number].last_epoch for number in gathering}):
            if self._is_all_there(epoch):
                here = [self._trials[each] for each in sorted(gathering) if self._trials[each].last_epoch == epoch]
                self._exploit([trial for trial in here if not self._generations.is_decided(trial)], epoch)
        return [
            number
            for number in self._waiting
            if number not in gathering or self._generations.is_decided(self._trials[number])
        ]

    def _is_all_there(self, epoch: int) -> bool:
        """Whether every trial of the study is over or has recorded `epoch`."""
        trials = self._trials.values()
        return not self._wants_trials and all(each.state.is_finished or each.last_epoch >= epoch for each in trials)

    def _waiting_like(self, ready: Sequence[int]) -> list[int]:
        """Return the waiting trials that make a cohort with the first that is ready, a fair part for each worker."""
        first = ready[0]
        config = self._trials[first].config
        if first in self._alone:
            return [first]
        key = self._cohorts.key_of(config)
        like = (each for each in ready if each not in self._alone)
        fitting = [each for each in like if self._cohorts.key_of(self._trials[each].config) == key]
        return fitting[: min(self._cohorts.most(config), math.ceil(len(ready) / self.plan.parallel))]

    def _joining(self, cohort: int) -> tuple[Member, ...]:
        """Return who takes the free places of a cohort that is being trained."""
        members = self._members[cohort]
        if self._stop is not None or not self.plan.grows or members & self._alone:
            return ()
        if not members:
            joining = self._replacing(cohort)
        else:
            config = self._shapes[cohort]
            free = self._cohorts.room(config, len(members))
            room = min(free, self._cohorts.left(config)) if free else 0
            joining = self._filled(config, room) if room or not free else self._drawn_again(config, free)
        return self._placed(cohort, joining)

    def _replacing(self, cohort: int) -> list[TrialRecord]:
        """Begin a cohort of any shape in place of one that is over; none where trials wait."""
        trials = [] if self._waiting else self._begun()
        if trials:
            self._shapes[cohort] = trials[0].config
        return trials

    def _drawn_again(self, config: Config, free: int) -> list[TrialRecord]:
        """Let the sampler choose a shape: where it is this one again, go on with it, else the trial waits."""
        if self._waiting or not self._cohorts.is_drawn_again or not self._wants_trials:
            return []
        trials = self._proposed_like(config, 1, NOTHING_HELD)
        if trials and trials[0].state is TrialState.RUNNING:
            trials += self._proposed_like(config, min(free - 1, self._cohorts.left(config)))
        return self._stored(trials)

    def _filled(self, config: Config, room: int) -> list[TrialRecord]:
        """Begin so many trials of the shape of `config`, or as many as there are."""
        return self._stored(self._proposed_like(config, room))

    def _stored(self, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Store new trials, and return those that are trained at once."""
        if trials:
            self._journal.begin(trials)
        return [trial for trial in trials if trial.state is TrialState.RUNNING]

    def _proposed_like(self, config: Config, room: int, held: Held | None = None) -> list[TrialRecord]:
        """Propose trials of the shape of `config`; the last one waits where it turned out to have another shape."""
        left = self.plan.trials - len(self._trials)
        room = min(room, math.ceil(left / self.plan.parallel))
        if room and held is None:
            held = self._cohorts.held(config)
        key = self._cohorts.key_of(config)
        trials: list[TrialRecord] = []
        while len(trials) < room and (trial := self._proposed(held or NOTHING_HELD)) is not None:
            trials.append(trial)
            if self._cohorts.key_of(trial.config) != key:
                trials[-1] = self._trials[trial.number] = replace(trial, state=TrialState.WAITING)
                self._waiting.append(trial.number)
                break
        return trials

    def _proposed(self, held: Held = NOTHING_HELD) -> TrialRecord | None:
        """Return a new trial, not stored yet; None where the sampler has nothing left, with nothing held: for good."""
        number = len(self._trials)
        config = self.plan.default if number == 0 else self._sampler.suggest(number, held)
        if config is None:
            self._exhausted = self._exhausted or not held
            return None
        trial = TrialRecord(number=number, state=TrialState.RUNNING, config=config, started=self._now())
        self._trials[number] = trial
        self._sampler.observe(trial)
        self._cohorts.give(config)
        return trial

    def _train(self, trials: Sequence[TrialRecord]) -> Work:
        self._works += 1
        self._members[self._works] = set()
        self._shapes[self._works] = trials[0].config
        members = self._placed(self._works, trials)
        return Work(id=self._works, kind=WorkKind.TRAIN, members=members, folders=self.plan.folders)

    def _placed(self, cohort: int, trials: Iterable[TrialRecord]) -> tuple[Member, ...]:
        """Make stored trials members of a cohort."""
        placed = tuple(trials)
        for trial in placed:
            self._trials[trial.number] = trial
            self._live[trial.number] = cohort
            self._began[trial.number] = self._now()
            self._members[cohort].add(trial.number)
            self._notify(EventKind.STARTED, trial)
        return tuple(map(self._member, placed))

    def _test(self) -> Work | None:
        chosen = self._untested
        if chosen is None:
            return None
        self._testing = chosen.number
        self._works += 1
        return Work(id=self._works, kind=WorkKind.TEST, members=(self._member(chosen),), folders=self.plan.folders)

    def _member(self, trial: TrialRecord) -> Member:
        return Member(
            number=trial.number,
            config=trial.config,
            seed=derive(self.plan.seed, "trial", trial.number),
            epoch=trial.last_epoch,
            best_epoch=trial.epoch,
            best=trial.value,
            decision_epochs=self._decision_epochs(trial.number),
        )

    def _decision_epochs(self, number: int) -> tuple[int, ...] | None:
        epochs = self._scheduler.decision_epochs(number)
        if epochs is None or not (self.plan.stops_hopeless and self.plan.goal.settles_early):
            return epochs
        return (1, *epochs)

    def _refuse_unknown_metric(self, reports: Sequence[Report]) -> None:
        """Raise `ConfigurationError` where the study's very first report lacks the metric: none would ever have it."""
        failures = [report.failure for report in reports if report.failure is not None]
        missing = [failure for failure in failures if failure.reason is FailureReason.MISSING_METRIC]
        if missing and not any(trial.curve for trial in self._trials.values()):
            raise ConfigurationError(missing[0].message, hint="set `metric` in the study file to one that it yields")

    def _is_news(self, report: Report) -> bool:
        """Whether the report is not of an epoch that was recorded before.

        A trial that goes on from an older checkpoint repeats epochs; what was recorded first stands.
        """
        return report.metrics is None or report.epoch > self._trials[report.number].last_epoch

    @property
    def _is_signalled(self) -> bool:
        """Whether a signal stops the run: whoever sends it mostly sends it to the workers too."""
        return self._stop in (StopCause.INTERRUPT, StopCause.TERMINATE)

    def _is_of_the_signal(self, report: Report) -> bool:
        """Whether the trial failed because of the signal that stops the run, for all we know: it goes on later."""
        return self._is_signalled and report.failure is not None

    def _is_of_the_cohort(self, report: Report) -> bool:
        """Whether the trial failed because of the others it was trained with, for all we know."""
        alone = len(self._members[self._live[report.number]]) == 1
        return report.failure is not None and report.failure.reason in _OF_THE_COHORT and not alone

    def _return_together(self, reports: Sequence[Report]) -> None:
        """Put the members of a cohort that failed as a whole back: into smaller ones, or each on its own."""
        if not reports:
            return
        trials = [self._trials[report.number] for report in reports]
        if reports[0].failure is not None and reports[0].failure.reason in _TOO_LARGE:
            self._cohorts.overflowed(trials[0].config, len(trials))
            self._journal.annotate("cohorts", dict(self._cohorts.limits))
        else:
            self._alone.update(trial.number for trial in trials)
        waiting = [replace(trial, state=TrialState.WAITING) for trial in trials]
        self._journal.write([Change(trial=trial) for trial in waiting])
        for trial in reversed(waiting):
            self._put_back(trial, EventKind.LOST)

    def _changes(self, reports: Sequence[Report]) -> list[Change]:
        """Return what the reports change, one after the other; what comes after a trial's end changes nothing."""
        trials: dict[int, TrialRecord] = {}
        changes = []
        for report in reports:
            trial = trials.get(report.number, self._trials[report.number])
            if not trial.state.is_finished:
                trials[report.number] = self._after(trial, report)
                changes.append(Change(trial=trials[report.number], report=report))
        return changes

    def _after(self, trial: TrialRecord, report: Report) -> TrialRecord:
        """Return `trial` as it is after `report`."""
        if report.failure is not None:
            after = replace(trial, state=TrialState.FAIL, failure=report.failure, finished=self._now())
        elif report.metrics is None:
            after = self._ended(trial)
        else:
            after = self._in_time(self._measured(trial, report.epoch, report.metrics, is_last=report.is_last))
        return replace(after, config=after.config_at(after.epoch)) if after.state.is_finished else after

    def _in_time(self, trial: TrialRecord) -> TrialRecord:
        """Return `trial`, failed where it is not done and has run for longer than it may."""
        limit = self.plan.trial_seconds
        if limit is None or trial.state.is_finished:
            return trial
        if (self._now() - self._began[trial.number]).total_seconds() <= limit:
            return trial
        message = f"it was not done within the {limit:g} s that limits.time allows"
        failure = Failure(reason=FailureReason.TIMEOUT, message=message)
        return replace(trial, state=TrialState.FAIL, failure=failure, finished=self._now())

    def _ended(self, trial: TrialRecord) -> TrialRecord:
        if trial.curve:
            return replace(trial, state=TrialState.COMPLETE, finished=self._now())
        failure = Failure(
            reason=FailureReason.NO_METRICS,
            message=f"the objective ended without yielding a single {{{self.plan.goal.metric!r}: number}}",
        )
        return replace(trial, state=TrialState.FAIL, failure=failure, finished=self._now())

    def _measured(self, trial: TrialRecord, epoch: int, metrics: Metrics, *, is_last: bool) -> TrialRecord:
        curve = {**trial.curve, epoch: metrics[self.plan.goal.metric]}
        best = best_epoch(curve, self.plan.goal.direction)
        known = self._metrics.setdefault(trial.number, {})
        known[epoch] = metrics
        state = TrialState.COMPLETE if is_last else self._state_after(trial.number, epoch, metrics)
        return replace(
            trial,
            state=state,
            curve=curve,
            value=curve[best],
            epoch=best,
            metrics=known.get(best, {}),
            finished=self._now() if state.is_finished else None,
        )

    def _state_after(self, number: int, epoch: int, metrics: Metrics) -> TrialState:
        if epoch >= self.plan.max_epochs:
            return TrialState.COMPLETE
        if self.plan.goal.broken_for_good(metrics):
            return TrialState.PRUNED if self.plan.stops_hopeless and number != 0 else TrialState.RUNNING
        decision = self._scheduler.decide(number, epoch)
        if decision is Decision.FINISH:
            return TrialState.COMPLETE
        # The default configuration is trained to the end: what tuning gained is measured against it.
        if decision is Decision.STOP and number != 0:
            return TrialState.PRUNED
        return TrialState.RUNNING

    def _remember(self, trial: TrialRecord, furthest: int) -> None:
        self._trials[trial.number] = trial
        self._sampler.observe(trial)
        if trial.state.is_finished:
            self._leave(trial.number)
            self._metrics.pop(trial.number, None)
            if self._breaker.trips(trial, furthest, others_wait=not self._alone.isdisjoint(self._waiting)):
                self.stop(StopCause.FAILURES)

    def _forget(self, cohort: int) -> None:
        del self._members[cohort], self._shapes[cohort]

    def _leave(self, number: int) -> None:
        cohort = self._live.pop(number, None)
        if cohort is not None:
            self._members[cohort].discard(number)

    def _suspend(self, numbers: Iterable[int], *, force: bool = False) -> frozenset[int]:
        """Put running trials back where the run is stopping, or where it is forced to; return which those are."""
        if self._stop is None and not force:
            return frozenset()
        trials = [replace(self._trials[number], state=TrialState.WAITING) for number in numbers]
        if trials:
            self._journal.write([Change(trial=trial) for trial in trials])
        for trial in reversed(trials):
            self._put_back(trial, EventKind.SUSPENDED)
        return frozenset(trial.number for trial in trials)

    def _put_back(self, trial: TrialRecord, kind: EventKind) -> None:
        self._trials[trial.number] = trial
        self._leave(trial.number)
        self._waiting.appendleft(trial.number)
        self._notify(kind, trial)

    def _warn(self, text: str) -> None:
        for listener in self._listeners:
            listener.warned(text)

    def _notify(
        self, kind: EventKind, trial: TrialRecord, test_metrics: Metrics | None = None, report: Report | None = None
    ) -> None:
        event = Event(kind=kind, trial=trial, report=report, test_metrics=test_metrics)
        for listener in self._listeners:
            listener.notify(event)
