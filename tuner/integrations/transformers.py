"""Hugging Face transformers: a callback that reports a Trainer's evaluations, stops it, and keeps its checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

import tuner
from tuner.integrations._callback import Names, saved, selected


@final
class TunerCallback(TrainerCallback):
    """Reports each evaluation of a Trainer in training to the study, and stops the Trainer.

    `metrics` are names that the Trainer gives them, such as `eval_loss`; all of them unless given. With each evaluation
    the Trainer saves itself, in the trial's own folder and whatever its `save_strategy`, and what it saves is kept as a
    checkpoint of the trial: `train(resume_from_checkpoint=TunerCallback.checkpoint())` continues from it.
    """

    def __init__(self, metrics: Names = None) -> None:
        self._metrics = metrics
        self._trial = tuner.current_trial(default=None)
        self._is_training = False
        self._measured: Mapping[str, Any] | None = None

    @staticmethod
    def checkpoint() -> str | None:
        """Return the folder to continue from; None where the trial starts at the beginning, and outside of a trial."""
        return saved("")

    def on_init_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._trial is None:
            return
        if args.save_strategy == "best":
            raise tuner.ConfigurationError(
                'save_strategy="best" leaves out checkpoints that the trial may have to continue from',
                hint="leave it out: what is evaluated is saved, and the study keeps the best",
            )
        # Trials that run at the same time would write over each other's checkpoints.
        args.output_dir = str(self._trial.folder / "trainer")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._is_training = True

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._is_training = False

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._is_training and self._trial is not None:
            self._measured = kwargs["metrics"]
            control.should_save = True  # the Trainer saves next, and then calls on_save

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._trial is None or self._measured is None:
            return
        measured, self._measured = self._measured, None
        self._trial.save_folder(Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}")
        self._trial.report(selected(measured, self._metrics, "the Trainer"), stop=False)
        if self._trial.should_stop:
            control.should_training_stop = True
