"""Which trials are handed out next, which of them together, and which join a cohort that is being trained."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import final

from tuner.domain.assignment import TrialAssignment
from tuner.domain.config import Config
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams
from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.population import Population
from tuner.search.run_state import RunState
from tuner.search.unit_of_work import UnitOfWork


@final
class Dispatcher:
    """Makes cohorts: of waiting trials first, then of new ones, which the sampler proposes.

    What it returns is recorded as RUNNING and collected to be stored; the controller starts it once it is stored.
    """

    def __init__(self, plan: RunPlan, policies: Policies, population: Population, now: Callable[[], datetime]) -> None:
        self._plan = plan
        self._sampler = policies.sampler
        self._cohorts = policies.cohorts
        self._added = policies.added
        self._population = population
        self._now = now

    def wants_trials(self, state: RunState) -> bool:
        """Whether there are to be more trials, and there may be configurations for them."""
        return state.wants_trials or (state.left > 0 and self._has_added)

    def next_cohort(self, state: RunState, unit: UnitOfWork) -> list[TrialRecord]:
        """Return the trials of the next cohort; none where there is nothing to hand out now."""
        return self._continued(state, unit) or self._new_cohort(state, unit)

    def joiners(self, state: RunState, cohort: int, unit: UnitOfWork) -> list[TrialRecord]:
        """Return the trials that take the free places of a cohort that is being trained."""
        members = state.members(cohort)
        if not self._plan.grows or any(trial.number in state.alone for trial in members):
            return []
        if not members:  # a cohort of any shape takes the place of one that is over
            return [] if state.waiting else self._new_cohort(state, unit)
        config = state.shape(cohort)
        free = self._cohorts.room(config, len(members))
        room = min(free, self._cohorts.left(config)) if free else 0
        return self._filled(state, config, room, unit) if room or not free else self._drawn(state, config, free, unit)

    def _new_cohort(self, state: RunState, unit: UnitOfWork) -> list[TrialRecord]:
        """Begin the trials of a new cohort; none where there are to be no more."""
        first = self._proposed(state, unit) if self.wants_trials(state) else None
        if first is None:
            return []
        room = self._cohorts.room(first.config, members=1)
        return _begun([first, *self._proposed_like(state, first.config, room, unit)], unit)

    def _continued(self, state: RunState, unit: UnitOfWork) -> list[TrialRecord]:
        """Continue waiting trials, those of one shape together; new ones take the places that are left."""
        ready = [number for number in self._population.ready(state, unit) if self._may_begin(state, number)]
        if not ready:
            return []
        numbers = self._ready_together(state, ready)
        state.take(numbers)
        old = [replace(state.trial(number), state=TrialState.RUNNING) for number in numbers]
        for trial in old:
            unit.change(trial)
        if numbers[0] in state.alone:
            return old
        config = old[0].config
        room = self._cohorts.room(config, len(old))
        if any(trial.last_epoch for trial in old):  # else the sampler has just chosen this shape
            room = min(room, self._cohorts.left(config)) if room else 0
        return [*old, *self._filled(state, config, room, unit)]

    def _ready_together(self, state: RunState, ready: Sequence[int]) -> list[int]:
        """Return the trials that make a cohort with the first that is ready, a fair part for each worker."""
        first, alone = ready[0], state.alone
        if first in alone:
            return [first]
        config = state.trial(first).config
        key = self._cohorts.key_of(config)
        like = (number for number in ready if number not in alone)
        fitting = [number for number in like if self._cohorts.key_of(state.trial(number).config) == key]
        return fitting[: min(self._cohorts.most(config), math.ceil(len(ready) / self._plan.parallel))]

    def _drawn(self, state: RunState, config: Config, free: int, unit: UnitOfWork) -> list[TrialRecord]:
        """Let the sampler choose a shape: where it is this one again, more of it join, else the trial waits."""
        if state.waiting or not self._cohorts.is_drawn_again or not state.wants_trials:
            return []
        trials = self._proposed_like(state, config, 1, unit, NOTHING_FIXED)
        if trials and trials[0].state is TrialState.RUNNING:
            trials += self._proposed_like(state, config, min(free - 1, self._cohorts.left(config)), unit)
        return _begun(trials, unit)

    def _filled(self, state: RunState, config: Config, room: int, unit: UnitOfWork) -> list[TrialRecord]:
        """Begin `room` trials of the shape of `config`, or as many as there are."""
        return _begun(self._proposed_like(state, config, room, unit), unit)

    def _proposed_like(
        self, state: RunState, config: Config, room: int, unit: UnitOfWork, fixed: FixedParams | None = None
    ) -> list[TrialRecord]:
        """Propose trials of the shape of `config`; the last one waits where it turned out to have another shape."""
        room = min(room, math.ceil(state.left / self._plan.parallel))
        if room and fixed is None:
            fixed = self._cohorts.fixed(config)
        key = self._cohorts.key_of(config)
        trials: list[TrialRecord] = []
        while len(trials) < room and (trial := self._proposed(state, unit, fixed or NOTHING_FIXED)) is not None:
            trials.append(trial)
            if self._cohorts.key_of(trial.config) != key:
                trials[-1] = replace(trial, state=TrialState.WAITING)
                state.enqueue(trials[-1])
                break
        return trials

    @property
    def _has_added(self) -> bool:
        return self._added is not None and self._added.has_any

    def _taken(self, fixed: FixedParams, unit: UnitOfWork) -> Config | None:
        return None if self._added is None else self._added.take(fixed, unit)

    def _proposed(self, state: RunState, unit: UnitOfWork, fixed: FixedParams = NOTHING_FIXED) -> TrialRecord | None:
        """Return a new trial; None where there is no configuration for it, or it has to wait for others.

        What was added comes first. While some waits that does not fit the fixed values, a cohort that has those gets
        nothing: its place is for what was added.
        """
        number = len(state.trials)
        if not self._may_begin(state, number):
            return None
        config, origin = self._next_config(number, state, unit, fixed)
        if config is None:
            return None
        trial = TrialRecord(number=number, state=TrialState.RUNNING, config=config, started=self._now(), origin=origin)
        state.add(trial)
        self._sampler.observe(trial)
        self._cohorts.give(config)
        return trial

    def _next_config(
        self, number: int, state: RunState, unit: UnitOfWork, fixed: FixedParams
    ) -> tuple[Config | None, Origin]:
        """Return the configuration of trial `number`, None where there is none for it, and where it came from."""
        if number == 0:
            return self._plan.default, Origin(kind=OriginKind.DEFAULT)
        added = self._taken(fixed, unit)
        if added is not None or self._has_added:
            return added, Origin(kind=OriginKind.ADDED, fixed=fixed)
        config = self._sampler.suggest(number, fixed)
        if config is None and not fixed:
            state.exhaust()
        return config, replace(self._sampler.origin(number), fixed=fixed)

    def _may_begin(self, state: RunState, number: int) -> bool:
        """Whether all trials are over whose results this one is to know, where it is to know certain ones."""
        return not self._plan.delay or number < state.num_settled + self._plan.delay


def member_of(trial: TrialRecord, plan: RunPlan, scheduler: Scheduler) -> TrialAssignment:
    """Return the trial as its worker is given it."""
    epochs = scheduler.decision_epochs(trial.number)
    if epochs is not None and plan.stops_hopeless and plan.goal.settles_early:
        epochs = (1, *epochs)  # the first report shows whether it violates a constraint for good
    return TrialAssignment(
        number=trial.number,
        config=trial.config,
        seed=derive(plan.seed, "trial", trial.number),
        epoch=trial.last_epoch,
        best_epoch=trial.epoch,
        best=trial.value,
        decision_epochs=epochs,
    )


def _begun(trials: Sequence[TrialRecord], unit: UnitOfWork) -> list[TrialRecord]:
    """Let new trials be stored, and return those that are trained at once."""
    unit.begin(trials)
    return [trial for trial in trials if trial.state is TrialState.RUNNING]
