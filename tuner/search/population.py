"""Population-based training: trials of one age are compared, and the poor go on from where the good are.

A generation is decided when everybody has recorded its epoch, so the decision does not depend on who was first, nor on
how many workers there are. See `docs/decisions/0008-generations-gather.md`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

from tuner.domain.scheduler import Scheduler
from tuner.domain.seed import derive
from tuner.domain.trial import Stage, TrialRecord
from tuner.search.cohort_policy import Cohorts


@final
class Generations:
    """Asks the scheduler whose state everybody goes on from, and explores the configuration that comes with it."""

    def __init__(self, scheduler: Scheduler, cohorts: Cohorts, seed: int) -> None:
        self._scheduler = scheduler
        self._cohorts = cohorts
        self._seed = seed
        self._decided: dict[int, int] = {}

    def gathers(self, trial: TrialRecord) -> bool:
        """Whether the trial is at an epoch at which it is compared with all others."""
        if not self._scheduler.exploits:
            return False
        epochs = self._scheduler.decision_epochs(trial.number)
        return epochs is None or trial.last_epoch in epochs

    def is_decided(self, trial: TrialRecord) -> bool:
        """Whether it was decided from whose state the trial goes on after its last epoch."""
        return self._decided.get(trial.number, 0) == trial.last_epoch

    def decided(self, trials: Sequence[TrialRecord], epoch: int) -> list[TrialRecord]:
        """Decide for all of a generation at `epoch`, and return those who go on from another one's state."""
        population = {trial.number: trial for trial in trials}
        exploiting = []
        for number, trial in population.items():
            self._decided[number] = epoch
            # The default configuration stays what it is: what tuning gained is measured against it.
            source = None if number == 0 else self._scheduler.source(number, epoch, population.keys())
            if source is not None:
                exploiting.append(self._exploiting(trial, population[source], epoch))
        return exploiting

    def _exploiting(self, trial: TrialRecord, source: TrialRecord, epoch: int) -> TrialRecord:
        """Return the trial with the source's configuration, explored; the same one whenever it is asked for."""
        if trial.schedule and trial.schedule[-1].epoch == epoch:
            return trial
        config = self._cohorts.explored(source.config, derive(self._seed, "explore", trial.number, epoch))
        before = trial.schedule or (Stage(epoch=0, config=trial.config),)
        stage = Stage(epoch=epoch, config=config, source=source.number)
        return replace(trial, config=config, schedule=(*before, stage))
