"""What becomes of a cohort after a report: which members leave, wait or exploit, and which trials join."""

from collections.abc import Collection, Iterable, Sequence
from typing import final

from tuner.domain.assignment import CohortUpdate, Exploit
from tuner.domain.event import EventKind
from tuner.domain.scheduler import Scheduler
from tuner.domain.trial import TrialRecord
from tuner.search.dispatch import Dispatcher, member_of
from tuner.search.plan import RunPlan
from tuner.search.population import Population
from tuner.search.recorder import Recorder
from tuner.search.run_state import RunState
from tuner.search.unit_of_work import UnitOfWork


@final
class CohortDecider:
    """Decides once the reports of all members are recorded."""

    def __init__(
        self, plan: RunPlan, scheduler: Scheduler, *, population: Population, dispatcher: Dispatcher, recorder: Recorder
    ) -> None:
        self._plan = plan
        self._scheduler = scheduler
        self._population = population
        self._dispatcher = dispatcher
        self._recorder = recorder

    def decide(
        self,
        state: RunState,
        cohort: int,
        before: Collection[int],
        unit: UnitOfWork,
        *,
        is_stopping: bool,
        admits: bool,
    ) -> tuple[CohortUpdate, Sequence[TrialRecord]]:
        """Return the answer to a report, and the trials that join the cohort as soon as they are stored.

        `before` are the members that the cohort had before the report.
        """
        exploits: Sequence[Exploit] = ()
        if is_stopping:
            suspended = state.members(cohort)
            self._recorder.put_back(state, suspended, EventKind.SUSPENDED, unit)
        else:
            exploits = self._exploits(self._population.exploit_in_place(state, cohort, unit))
            suspended = self._population.gather(state, cohort, unit)
        staying = state.members(cohort)
        joining = self._dispatcher.joiners(state, cohort, unit) if admits and not is_stopping else ()
        update = CohortUpdate(
            leaving=frozenset(before) - _numbers(staying),
            suspended=_numbers(suspended),
            joining=tuple(member_of(trial, self._plan, self._scheduler) for trial in joining),
            exploits=tuple(exploits),
            is_over=not staying and not joining,
        )
        return update, joining

    def _exploits(self, trials: Iterable[TrialRecord]) -> list[Exploit]:
        return [
            Exploit(
                member=member_of(trial, self._plan, self._scheduler),
                source=trial.schedule[-1].source or 0,
            )
            for trial in trials
        ]


def _numbers(trials: Iterable[TrialRecord]) -> frozenset[int]:
    return frozenset(trial.number for trial in trials)
