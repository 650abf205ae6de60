"""The last phase of a run: chosen trials are measured on data that the search never saw, once each."""

from collections.abc import Collection, Sequence
from typing import ClassVar, final

from tuner.domain import ranking
from tuner.domain.event import EventKind
from tuner.domain.trial import Failure, Metrics, TrialRecord
from tuner.search.plan import RunPlan
from tuner.search.unit_of_work import UnitOfWork


@final
class TestPhase:
    """Tests what the plan's `to_test` chooses; without it, the best trial, and the study notes what that gave.

    `tested` are the numbers of the trials that were tested before. The more they are, the less the test split is data
    that nothing was chosen by, so the study notes them.
    """

    __test__: ClassVar[bool] = False
    """It is what pytest looks for, but no test."""

    def __init__(self, plan: RunPlan, tested: Collection[int]) -> None:
        self._plan = plan
        self._tested = set(tested)
        self._testing: int | None = None

    @property
    def is_testing(self) -> bool:
        """Whether a trial is being tested now."""
        return self._testing is not None

    def next(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Return the next of the run's `trials` to be tested; None where there is none."""
        if not self._plan.tests:
            return None
        chosen = self._the_best(trials) if self._plan.to_test is None else self._plan.to_test(trials)
        return next((trial for trial in chosen if trial.number not in self._tested), None)

    def start(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Begin the next test, and return the trial that is tested; None where there is none."""
        chosen = self.next(trials)
        self._testing = None if chosen is None else chosen.number
        return chosen

    def cancel(self) -> None:
        """Record that the test that is running will not report: it is repeated later."""
        self._testing = None

    def record(self, trial: TrialRecord, outcome: Metrics | Failure | None, unit: UnitOfWork) -> None:
        """Record what the test of the trial gave; None where the objective has no test data, which is noted too."""
        self._testing = None
        self._tested.add(trial.number)
        note: dict[str, object] = {"number": trial.number}
        if self._plan.to_test is None and (earlier := sorted(self._tested - {trial.number})):
            note["earlier"] = earlier
        if isinstance(outcome, Failure):
            note["failure"] = outcome.message
        elif outcome is not None:
            note["metrics"] = dict(outcome)
            unit.event(EventKind.TESTED, trial, test_metrics=outcome)
        unit.note("test" if self._plan.to_test is None else f"test:{trial.number}", note)

    def _the_best(self, trials: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
        best = ranking.best(trials, self._plan.goal)
        return () if best is None else (best,)
