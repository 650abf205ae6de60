"""The controller: hands out trials, records reports, and answers which members leave, join and continue.

It depends on no executor, no database and no tensor library: executors call it, and it calls a sampler, a scheduler and
a writer. The same reports in the same order lead to the same decisions under every executor. Not thread-safe.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import final

from tuner.domain import ranking
from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate
from tuner.domain.event import EventKind, Listener, Listeners
from tuner.domain.live_control import NOTHING_ASKED, LiveControl
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.study_writer import StudyWriter
from tuner.domain.trial import Failure, FailureReason, Metrics, Report, TrialRecord
from tuner.search.cohort_decider import CohortDecider
from tuner.search.dispatch import Dispatcher, member_of
from tuner.search.early_end import EarlyEnd
from tuner.search.failure_policy import FailurePolicy
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.population import population_of
from tuner.search.recorder import Recorder
from tuner.search.run_history import RunHistory
from tuner.search.run_state import RunState
from tuner.search.test_phase import TestPhase
from tuner.search.unit_of_work import UnitOfWork


@final
class SearchController(RunController):
    """Runs one study to its target. Each call stores what it changes in one transaction, before it answers.

    `history` is what is stored of it before.
    """

    def __init__(
        self,
        plan: RunPlan,
        policies: Policies,
        *,
        writer: StudyWriter,
        now: Callable[[], datetime],
        listeners: Sequence[Listener] = (),
        history: RunHistory | None = None,
    ) -> None:
        before = history or RunHistory()
        self._plan = plan
        self._policies = policies
        self._writer = writer
        self._listeners = Listeners(listeners)
        self._now = now
        self._num_assignments = before.assignments_issued
        self._stop: StopCause | None = None
        self._asked = self._obeyed = NOTHING_ASKED
        self._state = RunState(before.trials, before.metrics, target=plan.trials)
        self._failures = FailurePolicy(before.trials, retries=plan.retries)
        self._early_end = EarlyEnd(plan, before.trials)
        self._tests = TestPhase(plan, before.tested)
        population = population_of(plan, policies)
        self._dispatcher = Dispatcher(plan, policies, population, now)
        self._recorder = Recorder(
            plan, policies, failures=self._failures, early_end=self._early_end, batching=before.batching, now=now
        )
        self._decider = CohortDecider(
            plan, policies.scheduler, population=population, dispatcher=self._dispatcher, recorder=self._recorder
        )
        self._recorder.replay(self._state, before.foreign)

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial as it now is, in the order of their numbers."""
        return self._state.trials

    def trial(self, number: int) -> TrialRecord:
        """Return the trial as it now is."""
        return self._state.trial(number)

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial that meets the constraints, the earliest of several; None before the first."""
        return ranking.best(self._state.trials, self._plan.goal)

    @property
    def stop_cause(self) -> StopCause | None:
        return self._stop or (StopCause.FAILURES if self._failures.should_abort else self._early_end.cause)

    @property
    def is_finished(self) -> bool:
        if not self._is_idle:
            return False
        state = self._state
        has_trials = self.stop_cause is None and bool(state.waiting or self._dispatcher.wants_trials(state))
        return self.is_stopping or not (has_trials or self._tests.next(state.trials) is not None)

    def look_for_added(self) -> None:
        """Read now what people have added to the study, as is done at most every few seconds otherwise."""
        if self._policies.added is not None:
            self._policies.added.look()

    @property
    def is_paused(self) -> bool:
        return self._asked.is_paused and not self.is_stopping

    def control(self, asked: LiveControl) -> None:
        self._asked = asked

    def stop(self, cause: StopCause) -> None:
        if not self.is_stopping:
            self._stop = cause

    def next_work(self) -> Assignment | None:
        if self.is_stopping:
            return None
        unit = UnitOfWork()
        asked = self._obey(unit)
        if asked.is_paused or self._has_beyond(asked, 0):
            self._commit(unit)
            return None
        trials = self._dispatcher.next_cohort(self._state, unit) if self.stop_cause is None else ()
        if trials:
            assignment = self._assigned(AssignmentKind.TRAIN, trials)
            self._commit(unit, trials, assignment.id)
            return assignment
        self._commit(unit)
        chosen = self._tests.start(self._state.trials) if self._is_idle else None
        return None if chosen is None else self._assigned(AssignmentKind.TEST, [chosen])

    def report(self, reports: Iterable[Report], *, admits: bool = True) -> CohortUpdate:
        state, unit = self._state, UnitOfWork()
        live = [report for report in reports if state.is_running(report.number)]
        if not live:
            return CohortUpdate(is_over=True)
        cohort = state.cohort_of(live[0].number)
        before = [trial.number for trial in state.members(cohort)]
        self._recorder.record(state, cohort, live, unit, is_signalled=self._is_signalled)
        asked = self._obey(unit)
        is_stopping = self.stop_cause is not None or asked.is_paused
        admits = admits and not self._has_beyond(asked, 1)
        update, joining = self._decider.decide(state, cohort, before, unit, is_stopping=is_stopping, admits=admits)
        if update.is_over:
            self._recorder.close(state, cohort, live[0].number, unit)
        self._commit(unit, joining, cohort)
        return update

    def lost(self, assignment: Assignment, reason: str, *, counts: bool = True) -> None:
        if assignment.kind is AssignmentKind.TEST:
            self.tested(assignment, Failure(reason=FailureReason.WORKER_LOST, message=reason))
            return
        unit = UnitOfWork()
        self._recorder.record_loss(
            self._state, assignment.id, reason, unit, is_signalled=self._is_signalled, counts=counts
        )
        self._commit(unit)

    def overran(self, assignment: Assignment, failure: Failure) -> None:
        if assignment.kind is AssignmentKind.TEST:
            self.tested(assignment, failure)
        elif self._is_signalled:  # the signal may have been sent to the trial too
            self.lost(assignment, failure.message)
        else:
            unit = UnitOfWork()
            self._recorder.record_limit(self._state, assignment.id, failure, unit)
            self._commit(unit)

    def tested(self, assignment: Assignment, outcome: Metrics | Failure | None) -> None:
        if self._is_signalled and isinstance(outcome, Failure):
            self._tests.cancel()
            return
        unit = UnitOfWork()
        self._tests.record(self._state.trial(assignment.members[0].number), outcome, unit)
        self._commit(unit)

    def abandon(self) -> None:
        unit = UnitOfWork()
        self._tests.cancel()
        running = [self._state.trial(number) for number in self._state.running]
        self._recorder.put_back(self._state, running, EventKind.SUSPENDED, unit)
        self._commit(unit)

    @property
    def _is_idle(self) -> bool:
        """Whether nothing is being trained or tested."""
        return not self._state.running and not self._tests.is_testing

    @property
    def _is_signalled(self) -> bool:
        """Whether a signal stops the run: it is mostly sent to the workers too, which fail of it."""
        return self._stop in (StopCause.INTERRUPT, StopCause.TERMINATE)

    def _obey(self, unit: UnitOfWork) -> LiveControl:
        """Take in what is asked of the run since the last time, and return it."""
        asked, before = self._asked, self._obeyed
        self._obeyed = asked
        for change in asked.changes(before):
            unit.warn(f"the study is {change}")
        if asked.trials is not None and asked.trials != before.trials:
            self._state.retarget(asked.trials)
            self._early_end.retarget(asked.trials)
            unit.extend(asked.trials)
            for note, content in self._plan.notes_of_target(asked.trials).items():
                unit.note(note, content)
        return asked

    def _has_beyond(self, asked: LiveControl, own: int) -> bool:
        """Whether so many other cohorts as are asked for, or more, train beside `own` ones."""
        return asked.parallel is not None and self._state.num_cohorts - own >= asked.parallel

    def _assigned(self, kind: AssignmentKind, trials: Sequence[TrialRecord]) -> Assignment:
        self._num_assignments += 1
        members = tuple(member_of(trial, self._plan, self._policies.scheduler) for trial in trials)
        folders, keeps_rows = self._plan.folders, self._plan.keeps_rows
        return Assignment(id=self._num_assignments, kind=kind, members=members, folders=folders, keeps_rows=keeps_rows)

    def _commit(self, unit: UnitOfWork, starting: Sequence[TrialRecord] = (), cohort: int = 0) -> None:
        """Store all that one call changes, then start what was stored in its cohort, then notify the listeners."""
        unit.store(self._writer)
        if starting:
            self._state.start(starting, cohort, self._now())
        for trial in starting:
            unit.event(EventKind.STARTED, trial)
        unit.notify(self._listeners)
        if self._listeners.stops_study:
            self.stop(StopCause.CALLBACK)
