"""XGBoost: a callback that reports each boosting round, stops it, and saves the booster that it continues from."""

from typing import Any, final

from xgboost.callback import TrainingCallback

import tuner
from tuner.integrations._callback import Names, saved, selected

_FILE = "booster.ubj"


@final
class TunerCallback(TrainingCallback):  # type: ignore[misc]
    """Reports the metrics of each boosting round to the study, and stops the training.

    A metric is named by its data and XGBoost's name for it, such as `valid-logloss`; `metrics` are the ones to report,
    all unless given. Every `save_every` rounds the booster is saved as a checkpoint of the trial;
    `train(..., xgb_model=TunerCallback.xgb_model())` continues from it.
    """

    def __init__(self, metrics: Names = None, *, save_every: int = 1) -> None:
        super().__init__()
        self._metrics = metrics
        self._save_every = save_every
        self._trial = tuner.current_trial(default=None)

    @staticmethod
    def xgb_model() -> str | None:
        """Return the booster to continue from; None where the trial starts at the beginning, and outside of a trial."""
        return saved(_FILE)

    def after_iteration(self, model: Any, epoch: int, evals_log: TrainingCallback.EvalsLog) -> bool:
        if self._trial is None:
            return False
        step = model.num_boosted_rounds()
        if step % self._save_every == 0 or step == self._trial.max_epochs:
            with self._trial.checkpoint() as folder:
                model.save_model(folder / _FILE)
        measured = {f"{data}-{name}": log[-1] for data, logs in evals_log.items() for name, log in logs.items()}
        self._trial.report(selected(measured, self._metrics, "XGBoost"), step=step, stop=False)
        return self._trial.should_stop
