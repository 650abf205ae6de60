"""A cohort of one: an ordinary trial."""

from collections.abc import Collection, Mapping
from typing import final

from objectives.training.data import Data
from objectives.training.loop import Learner, evaluate, train_epoch
from objectives.training.seeding import seed_epoch
from tuner.domain.objective import Cohort
from tuner.domain.trial import Failure, Metrics, Trial


@final
class SingleTrial(Cohort):
    """One trial, trained by itself."""

    def __init__(self, trial: Trial, learner: Learner, data: Data) -> None:
        self._trial = trial
        self._learner: Learner | None = learner
        self._data = data
        self._epoch = trial.epoch

    def advance(self) -> Mapping[int, Metrics | Failure | None]:
        trial, learner = self._trial, self._learner
        if learner is None:
            return {}
        if self._epoch >= trial.max_epochs:
            return {trial.number: None}
        seed_epoch(trial.seed, self._epoch, trial.device)
        train_epoch(learner, self._data.train, epoch=self._epoch, max_epochs=trial.max_epochs)
        self._epoch += 1
        metrics = evaluate(learner, self._data, self._data.validation)
        trial.save({"model": learner.model.state_dict(), "optimizer": learner.optimizer.state_dict()})
        return {trial.number: metrics}

    def drop(self, numbers: Collection[int]) -> None:
        if self._trial.number in numbers:
            self._learner = None
