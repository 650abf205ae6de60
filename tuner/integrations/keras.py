"""Keras 3: a callback that reports each epoch of `fit`, stops it, and saves what it continues from."""

from collections.abc import Mapping
from typing import Any, final

from keras.callbacks import Callback

import tuner
from tuner.integrations._callback import Names, saved, selected

_FILE = "state.weights.h5"


@final
class TunerCallback(Callback):  # type: ignore[misc]
    """Reports a model's metrics to the study after each epoch of `fit`, and stops it.

    `metrics` are names in Keras's logs, all of them unless given. Before each report the weights, the optimizer and the
    random generators are saved as a checkpoint of the trial; `fit(..., initial_epoch=TunerCallback.initial_epoch())`
    continues from it.
    """

    def __init__(self, metrics: Names = None) -> None:
        super().__init__()
        self._metrics = metrics
        self._trial = tuner.current_trial(default=None)
        self._first_epoch = self.initial_epoch()

    @staticmethod
    def initial_epoch() -> int:
        """Return how many epochs were trained before; 0 where the trial starts at the beginning, and outside of one."""
        trial = tuner.current_trial(default=None)
        return 0 if trial is None else trial.epoch

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        if (file := saved(_FILE)) is not None:
            if not self.model.optimizer.built:
                self.model.optimizer.build(self.model.trainable_variables)
            self.model.load_weights(file)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._trial is not None and epoch == self._first_epoch:
            self._trial.load_folder()  # restores the random generators, from which preparing to train has drawn

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._trial is None:
            return
        with self._trial.checkpoint(rng=True) as folder:
            self.model.save_weights(folder / _FILE)
        self._trial.report(selected(logs or {}, self._metrics, "Keras"), step=epoch + 1, stop=False)
        if self._trial.should_stop:
            self.model.stop_training = True
