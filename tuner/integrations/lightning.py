"""Lightning: a callback that reports what a Trainer has validated, stops it, and saves what it continues from."""

from typing import Any, final

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

import tuner
from tuner.integrations._callback import Names, saved, selected

_FILE = "trainer.ckpt"


@final
class TunerCallback(Checkpoint):
    """Reports a Trainer's metrics to the study after each epoch that it has validated, and stops it.

    `metrics` are names that the module logs, all of them unless given. Where there is no validation, every epoch is
    reported. With `every_n_steps` every so many optimizer steps are reported instead. Before each report the Trainer is
    saved as a checkpoint of the trial; `fit(..., ckpt_path=TunerCallback.ckpt_path())` continues from it. Lightning
    counts it as a checkpoint callback, and calls it after all others.
    """

    def __init__(self, metrics: Names = None, *, every_n_steps: int | None = None) -> None:
        self._metrics = metrics
        self._every_n_steps = every_n_steps
        self._trial = tuner.current_trial(default=None)
        self._has_validated = False
        self._last_step = 0

    @staticmethod
    def ckpt_path() -> str | None:
        """Return the file to continue from; None where the trial starts at the beginning, and outside of a trial."""
        return saved(_FILE)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._trial is not None:
            self._trial.load_folder()  # restores the random generators, from which building the model has drawn
        self._last_step = trainer.global_step

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._has_validated = not trainer.sanity_checking

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        steps = trainer.global_step
        if self._every_n_steps is not None and steps > self._last_step and steps % self._every_n_steps == 0:
            self._last_step = steps
            self._report(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report when the whole epoch is done: a Trainer that was saved earlier does not continue exactly."""
        if self._every_n_steps is None and (self._has_validated or not trainer.enable_validation):
            self._report(trainer)
        self._has_validated = False

    def _report(self, trainer: Trainer) -> None:
        if self._trial is None:
            return
        with self._trial.checkpoint(rng=True) as folder:
            trainer.save_checkpoint(folder / _FILE)
        self._trial.report(selected(trainer.callback_metrics, self._metrics, "the Trainer"), stop=False)
        if self._trial.should_stop:
            trainer.should_stop = True
            trainer.fit_loop.min_epochs, trainer.fit_loop.epoch_loop.min_steps = 0, None  # it would train these first
