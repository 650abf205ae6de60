"""Shows a sampler the results of trials in the order of their numbers, with a delay: proposals can be repeated."""

from typing import final

from tuner.domain.config import Config
from tuner.domain.origin import Origin
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.trial import TrialRecord, TrialState


@final
class DelayedSampler(Sampler):
    """Lets another sampler propose trial n with the results of the trials up to n - `delay`, all of which are over.

    Of those in between it is shown that they have begun, whatever they have reported by now. It is shown the same in
    the same order however fast each trial was, and when a study is resumed.
    """

    def __init__(self, sampler: Sampler, delay: int) -> None:
        self._sampler = sampler
        self._delay = delay
        self._trials: dict[int, TrialRecord] = {}
        self._shown = 1
        self._due: list[int] = []

    @property
    def most_proposals(self) -> float:
        return self._sampler.most_proposals

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        for each in range(self._shown, number + 1):
            self._sampler.observe(_begun(self._trials[each - 1]))
            if each >= self._delay:
                self._due.append(each - self._delay)
            self._show_results()
        self._shown = max(self._shown, number + 1)
        return self._sampler.suggest(number, fixed)

    def observe(self, trial: TrialRecord) -> None:
        self._trials[trial.number] = trial

    def origin(self, number: int) -> Origin:
        return self._sampler.origin(number)

    def _show_results(self) -> None:
        # Only a grid, which learns nothing, is asked before all that are due are over: whether it has come to its end.
        for number in [each for each in self._due if self._trials[each].state.is_finished]:
            self._sampler.observe(self._trials[number])
            self._due.remove(number)


def _begun(trial: TrialRecord) -> TrialRecord:
    """Return the trial as it was when it began."""
    return TrialRecord(number=trial.number, state=TrialState.RUNNING, config=trial.config, started=trial.started)
