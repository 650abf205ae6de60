"""Population-based training: at each exploit epoch the poorest trials continue from the states of the best.

A generation is decided when all of its trials have recorded its epoch, so the decision depends neither on which of them
was first nor on how many workers there are. See `docs/decisions/0008-generations-gather.md`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import final

from tuner.domain.event import EventKind
from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.trial import Stage, TrialRecord, TrialState
from tuner.search.cohort_policy import CohortPolicy
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.run_state import RunState
from tuner.search.unit_of_work import UnitOfWork


class Population(ABC):
    """What a scheduler that exploits needs of the controller."""

    @abstractmethod
    def ready(self, state: RunState, unit: UnitOfWork) -> list[int]:
        """Decide the generations that are complete, and return the waiting trials that can continue."""

    @abstractmethod
    def exploit_in_place(self, state: RunState, cohort: int, unit: UnitOfWork) -> list[TrialRecord]:
        """Decide the generation of a cohort that is the whole population; return the trials that exploit."""

    @abstractmethod
    def gather(self, state: RunState, cohort: int, unit: UnitOfWork) -> tuple[TrialRecord, ...]:
        """Take the members out of the cohort that have to wait for the rest of their generation; return them."""


def population_of(plan: RunPlan, policies: Policies) -> Population:
    """Return the population that suits the scheduler."""
    if not policies.scheduler.exploits:
        return NoPopulation()
    return ExploitingPopulation(plan, policies.scheduler, policies.cohorts)


@final
class NoPopulation(Population):
    """For a scheduler that does not exploit: no trial waits for another one."""

    def ready(self, state: RunState, unit: UnitOfWork) -> list[int]:
        return [*state.waiting]

    def exploit_in_place(self, state: RunState, cohort: int, unit: UnitOfWork) -> list[TrialRecord]:
        return []

    def gather(self, state: RunState, cohort: int, unit: UnitOfWork) -> tuple[TrialRecord, ...]:
        return ()


@final
class ExploitingPopulation(Population):
    """Asks the scheduler for the source of each trial, and explores the configuration that comes with its state."""

    def __init__(self, plan: RunPlan, scheduler: Scheduler, cohorts: CohortPolicy) -> None:
        self._plan = plan
        self._scheduler = scheduler
        self._cohorts = cohorts
        self._decided: dict[int, int] = {}

    def ready(self, state: RunState, unit: UnitOfWork) -> list[int]:
        waiting = [state.trial(number) for number in sorted(state.waiting)]
        for epoch in sorted({self._generation(trial) for trial in waiting} - {0}):
            if _is_complete(state, epoch):
                here = [trial for trial in waiting if self._generation(trial) == epoch]
                self._exploit(state, [trial for trial in here if not self._is_decided(trial)], epoch, unit)
        return [number for number in state.waiting if not self._has_to_wait(state.trial(number))]

    def exploit_in_place(self, state: RunState, cohort: int, unit: UnitOfWork) -> list[TrialRecord]:
        members = state.members(cohort)
        if not self._plan.exploits or state.wants_trials or state.unfinished > len(members):
            return []
        if len({trial.last_epoch for trial in members}) != 1 or not (generation := self._generation(members[0])):
            return []
        return self._exploit(state, members, generation, unit)

    def gather(self, state: RunState, cohort: int, unit: UnitOfWork) -> tuple[TrialRecord, ...]:
        members = (trial for trial in state.members(cohort) if self._has_to_wait(trial))
        waiting = tuple(replace(trial, state=TrialState.WAITING) for trial in members)
        for trial in waiting:
            state.enqueue(trial)
            unit.change(trial)
            unit.event(EventKind.GATHERED, trial)
        return waiting

    def _generation(self, trial: TrialRecord) -> int:
        """Return the exploit epoch that the trial's last report reached or passed, the last of several; 0 for none."""
        epochs = self._scheduler.decision_epochs(trial.number)
        if epochs is None:
            return trial.last_epoch
        before = trial.epoch_before_last
        return max((epoch for epoch in epochs if before < epoch <= trial.last_epoch), default=0)

    def _is_decided(self, trial: TrialRecord) -> bool:
        """Whether it was decided from which state the trial continues after its last epoch."""
        return self._decided.get(trial.number, 0) == self._generation(trial)

    def _has_to_wait(self, trial: TrialRecord) -> bool:
        return self._generation(trial) > 0 and not self._is_decided(trial)

    def _exploit(
        self, state: RunState, trials: Sequence[TrialRecord], epoch: int, unit: UnitOfWork
    ) -> list[TrialRecord]:
        """Decide for all of a generation at `epoch`, and return the trials that continue from another one's state."""
        population = {trial.number: trial for trial in trials}
        exploiting = []
        for number, trial in population.items():
            self._decided[number] = epoch
            # The default configuration stays what it is: what tuning gained is measured against it.
            source = None if number == 0 else self._scheduler.source(number, epoch, population.keys())
            if source is not None:
                exploiting.append(self._explored(trial, population[source], epoch))
        unit.reschedule(exploiting)
        for trial in exploiting:
            state.add(trial)
            unit.event(EventKind.EXPLOITED, trial)
        return exploiting

    def _explored(self, trial: TrialRecord, source: TrialRecord, epoch: int) -> TrialRecord:
        """Return the trial with the source's configuration, explored; the same one whenever it is asked for."""
        if trial.schedule and trial.schedule[-1].epoch == trial.last_epoch:
            return trial
        config = self._cohorts.explored(source.config, derive(self._plan.seed, "explore", trial.number, epoch))
        before = trial.schedule or (Stage(epoch=0, config=trial.config),)
        elsewhere = source.last_epoch if source.last_epoch != trial.last_epoch else None
        stage = Stage(epoch=trial.last_epoch, config=config, source=source.number, source_epoch=elsewhere)
        return replace(trial, config=config, schedule=(*before, stage))


def _is_complete(state: RunState, epoch: int) -> bool:
    """Whether every trial of the study is finished or has recorded `epoch`."""
    return not state.wants_trials and all(each.state.is_finished or each.last_epoch >= epoch for each in state.trials)
