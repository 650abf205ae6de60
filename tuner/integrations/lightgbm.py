"""LightGBM: a callback that reports each boosting round, stops it, and saves the booster that it continues from."""

from typing import final

from lightgbm.callback import CallbackEnv, EarlyStopException

import tuner
from tuner.integrations._callback import Names, saved, selected

_FILE = "booster.txt"


@final
class TunerCallback:
    """Reports the metrics of each boosting round to the study, and stops the training.

    A metric is named by its data and LightGBM's name for it, such as `valid_0-binary_logloss`; `metrics` are the ones
    to report, all unless given. Every `save_every` rounds the booster is saved as a checkpoint of the trial;
    `train(..., init_model=TunerCallback.init_model())` continues from it.
    """

    order = 25
    """After the callbacks that record, at 20, and before `early_stopping`, at 30, which leaves the training."""

    def __init__(self, metrics: Names = None, *, save_every: int = 1) -> None:
        self._metrics = metrics
        self._save_every = save_every
        self._trial = tuner.current_trial(default=None)

    @staticmethod
    def init_model() -> str | None:
        """Return the booster to continue from; None where the trial starts at the beginning, and outside of a trial."""
        return saved(_FILE)

    def __call__(self, env: CallbackEnv) -> None:
        if self._trial is None:
            return
        step = env.iteration + 1
        if step % self._save_every == 0 or step == self._trial.max_epochs:
            with self._trial.checkpoint() as folder:
                env.model.save_model(folder / _FILE)
        results = env.evaluation_result_list or []
        measured = {f"{data}-{metric}": value for data, metric, value, *_ in results}
        self._trial.report(selected(measured, self._metrics, "LightGBM"), step=step, stop=False)
        if self._trial.should_stop:
            raise EarlyStopException(env.iteration, results)
