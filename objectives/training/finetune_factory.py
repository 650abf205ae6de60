"""Trainer factory of a fine-tuning study: holds the base once, and builds adapters from configurations."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, final

import numpy as np
import torch

from tuner.domain.model import Model
from tuner.domain.trial import Trial
from tuner.objectives._components import BATCH_SIZE, part
from tuner.objectives._finetune_settings import DEFAULT_BATCH_SIZE, FinetuneSettings
from tuner.objectives._finetune_space import lora_of
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import Rows, Split
from tuner.objectives.losses._loss import Loss
from tuner.objectives.text.base_folder import BaseFolder
from tuner.objectives.text.labelled_texts import LabelledTexts
from tuner.objectives.text.token_cache import TokenData
from tuner.objectives.training.adapted_model import AdaptableBase, AdaptedModel, keeps_rows_apart
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.language_data import LanguageData
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.next_token import NextTokenLoss
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.pretrained_model import loaded
from tuner.objectives.training.saved_trial import saved_state
from tuner.objectives.training.seeding import weights_drawn
from tuner.objectives.training.text_tokens import TextTokens

_EVALUATED_TOKENS = 1 << 15
"""How many tokens of texts one model is evaluated with at once."""

_BUSY = 1 << 28
"""So many multiplications of one step with the base's weights keep a processor busy alone."""

_BLOCK_WEIGHTS = 1 << 24
"""How many weights of adapters are trained at once on a CPU: the base's are read for all of them anyway."""


@final
class FinetuneFactory:
    """A worker's base and texts. The base is loaded once for each device, the texts become tokens once."""

    def __init__(
        self,
        base: BaseFolder,
        texts: TokenData | LabelledTexts,
        settings: FinetuneSettings,
        *,
        split: Split | None,
        seed: int,
        wanted: Collection[str],
    ) -> None:
        self.wanted = wanted
        self._seed = seed
        self._folder, self._texts, self._split, self._settings = base, texts, split, settings
        self._precision = Precision(settings.precision)
        self._bases: dict[str, AdaptableBase] = {}
        self._of_classes: dict[str, Data] = {}
        self._side_by_side: dict[str, bool] = {}

    @property
    def _task(self) -> Task:
        return Task(self._settings.task)

    def _base(self, device: str) -> AdaptableBase:
        if device not in self._bases:
            classes = len(self._texts.classes) if isinstance(self._texts, LabelledTexts) else 0
            self._bases[device] = loaded(
                self._folder, self._task, classes=classes, precision=self._precision, device=device
            )
        return self._bases[device]

    @cached_property
    def _windows(self) -> LanguageData:
        assert isinstance(self._texts, TokenData)
        return LanguageData(
            self._texts,
            context=self._settings.context,
            steps=self._settings.steps,
            evaluation_tokens=self._settings.evaluation_tokens,
            block_weights=_BLOCK_WEIGHTS,
        )

    def data(self, trial: Trial) -> Data:
        """Return the data as the trial's filters leave it; a classifier learns from all of it."""
        if self._task is Task.LANGUAGE:
            return self._windows.of(trial)
        if trial.device not in self._of_classes:
            self._of_classes[trial.device] = self._classified(trial.device)
        return self._of_classes[trial.device]

    def _classified(self, device: str) -> Data:
        assert isinstance(self._texts, LabelledTexts)
        assert self._split is not None
        targets = self._texts.targets
        tokens = TextTokens(self._folder, self._settings.context)(self._texts.texts)

        def examples(rows: Rows) -> Examples:
            return Examples(
                features=tokens[torch.from_numpy(rows)].to(device),
                targets=torch.from_numpy(targets[rows]).to(device),
                measured=targets[rows],
            )

        split = self._split
        return Data(
            task=Task.CLASSIFICATION,
            outputs=len(self._texts.classes),
            train=examples(split.train),
            validation=examples(split.validation),
            make_test=lambda: examples(split.test),
            shape=tuple(tokens.shape[1:]),
            at_once=max(1, _EVALUATED_TOKENS // tokens.shape[1]),
            block_weights=_BLOCK_WEIGHTS,
        )

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""
        rule, lr_schedule = (part(trial.config, kind, self._task).build() for kind in ("optimizer", "lr_schedule"))
        base = self._base(trial.device)
        with weights_drawn(trial.seed, trial.device):
            model = AdaptedModel(base, lora_of(trial.config), widest=self._settings.max_rank).to(trial.device)
        learner = TrainState(
            model=model,
            loss=_loss(trial, self._task),
            build_optimizer=lambda: rule.build([*model.parameters()]),
            lr_schedule=lr_schedule,
            rule=rule,
            batch_size=_batch_size(trial, data),
            precision=self._precision,
            micro_batch=self._settings.micro_batch,
        )
        if state is not None:
            learner.resume(state)
        return learner

    def layout(self, trial: Trial, learner: TrainState) -> Layout | None:
        """Return how the learner's adapters lie beside those of others; None where the base mixes rows of a batch."""
        model, data = learner.model, self.data(trial)
        assert isinstance(model, AdaptedModel)
        if trial.device not in self._side_by_side:
            self._side_by_side[trial.device] = keeps_rows_apart(model, data.validation.features[:2])
        if not self._side_by_side[trial.device]:
            return None
        computes = learner.batch_size * data.shape[0] * model.base.weights
        return replace(Layout.of(model), keeps_busy=computes > _BUSY)

    def model(self, trial: Trial) -> Model:
        """Return the trial's saved adapters as a model that answers, and is exported in PEFT's format."""
        state = saved_state(trial, "answer with")
        from tuner.objectives.training.adapter_model import assembled  # noqa: PLC0415 - which training needs not

        classes = np.array(self._texts.classes) if isinstance(self._texts, LabelledTexts) else None
        answers = Answers(task=self._task, loss=_loss(trial, self._task), classes=classes)
        return assembled(
            self._folder, answers, state["model"], config=trial.config, settings=trial.settings, seed=self._seed
        )


def _loss(trial: Trial, task: Task) -> Loss:
    if task is Task.LANGUAGE:
        return NextTokenLoss()
    loss: Loss = part(trial.config, "loss", task).build()
    return loss


def _batch_size(trial: Trial, data: Data) -> int:
    wanted: int = trial.config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE)
    return min(wanted, len(data.train.targets)) if isinstance(data.train, Examples) else wanted
