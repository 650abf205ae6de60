"""Trainer factory of one study: caches its data and builds learners from configurations."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from tuner.domain.final_model import FinalModel
from tuner.domain.model import Model
from tuner.domain.trial import Trial
from tuner.objectives._components import BALANCED, BATCH_SIZE, CLASS_WEIGHTS, DEFAULT_BATCH_SIZE, PREPROCESSING, part
from tuner.objectives._tasks import Input, Task
from tuner.objectives.architectures._architecture import with_layer
from tuner.objectives.datasets._dataset import Array, Dataset
from tuner.objectives.datasets._splitting import Split, split
from tuner.objectives.losses._loss import Loss
from tuner.objectives.optimizers._optimizer import Optimizer
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.calibration import Calibration, needs_threshold
from tuner.objectives.training.data import Data, Examples, prepared
from tuner.objectives.training.final_models import TrainedMember, ensemble_counts, final_model
from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.model_signature import check_outputs, complete, read
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.predictor_io import PreparedInputs, assembled
from tuner.objectives.training.saved_trial import saved_state
from tuner.objectives.training.seeding import weights_drawn

_MOST_ROWS_TRAINED_AGAIN = 20_000
"""Tables of at most so many rows train again on all of them: beyond, a third more teach little and take long."""


def learner_of(
    trial: Trial,
    data: Data,
    build: Callable[[], nn.Module],
    loss: Loss,
    *,
    precision: Precision,
    class_weights: Tensor | None = None,
) -> TrainState:
    """Return an untrained learner, with the optimizer and schedule that the trial's configuration names."""
    assert isinstance(data.train, Examples)  # as all data is that a pipeline or a person has prepared
    rule, lr_schedule = (part(trial.config, kind, data.task).build() for kind in ("optimizer", "lr_schedule"))
    with weights_drawn(trial.seed, trial.device):
        model = complete(build().to(trial.device), data.train.features)
    return TrainState(
        model=model,
        loss=loss,
        build_optimizer=partial(_optimizer_of, model, rule),
        lr_schedule=lr_schedule,
        rule=rule,
        batch_size=min(trial.config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE), len(data.train.targets)),
        precision=precision,
        class_weights=class_weights,
        reads=read(model),
        accepts=lambda outputs: check_outputs(outputs, data.task, data.outputs),
    )


def _optimizer_of(model: nn.Module, rule: Optimizer) -> torch.optim.Optimizer:
    optimizer = rule.build([*model.parameters()])
    if any(getattr(layer, "sparse", False) is True for layer in model.modules()):
        optimizer.state.clear()  # torch's fused steps do not know sparse gradients, nor do dense sums of them
        for group in optimizer.param_groups:
            group["fused"] = False
    return optimizer


def class_weights_of(trial: Trial, data: Data) -> Tensor | None:
    """Return the weights of the classes where the trial's configuration balances them, (classes,)."""
    balanced = trial.config.get(CLASS_WEIGHTS) == BALANCED and data.task is Task.CLASSIFICATION
    return data.class_weights() if balanced else None


@final
class TrainerFactory:
    """A worker's data and tools. The dataset is loaded once, and preprocessed once in each way that is asked for."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        validation: float,
        test: float,
        seed: int,
        precision: str,
        wanted: Collection[str],
    ) -> None:
        self.wanted = wanted
        self._dataset = dataset
        self._validation = validation
        self._test = test
        self._seed = seed
        self._precision = Precision(precision)
        self._prepared: dict[Hashable, Data] = {}

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return self._dataset.load()

    @cached_property
    def _split(self) -> Split:
        _, targets = self._arrays
        return split(
            targets,
            task=self._dataset.task,
            validation=self._validation,
            test=self._test,
            seed=self._seed,
            by=self._dataset.split_by,
        )

    def data(self, trial: Trial) -> Data:
        """Return the data as the trial's configuration wants it."""
        steps = tuple(part(trial.config, kind, self._dataset.task) for kind in PREPROCESSING)
        categories = self._dataset.categories
        encoding = part(trial.config, "encoding", self._dataset.task) if categories else None
        is_table = self._dataset.kind is Input.TABLE
        number_encoding = part(trial.config, "number_encoding", self._dataset.task) if is_table else None
        key = (steps, encoding, number_encoding, trial.device)
        if key not in self._prepared:
            features, targets = self._arrays
            self._prepared[key] = prepared(
                features,
                targets,
                task=self._dataset.task,
                split=self._split,
                fit=partial(
                    Pipeline,
                    [step.build() for step in steps],
                    categories=categories,
                    encoding=None if encoding is None else encoding.build(),
                    number_encoding=None if number_encoding is None else number_encoding.build(),
                ),
                device=trial.device,
            )
        return self._prepared[key]

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""
        architecture = part(trial.config, "architecture", data.task).build()
        loss = part(trial.config, "loss", data.task).build()

        def build() -> nn.Module:
            return with_layer(data.layer, architecture, data.shape, data.outputs)

        weights = class_weights_of(trial, data)
        learner = learner_of(trial, data, build, loss, precision=self._precision, class_weights=weights)
        if state is not None:
            learner.resume(state)
        return learner

    def layout(self, trial: Trial, learner: TrainState) -> Layout:
        """Return how the learner's tensors lie beside those of others; every architecture here trains together."""
        del trial
        return Layout.of(learner.model)

    def model(self, trial: Trial) -> Model:
        """Return the trial's saved state as a model that answers, calibrated on the validation split."""
        return final_model([self.trained(trial)], [1], self._metric).model

    def final_model(
        self, trials: Sequence[Trial], counts: Sequence[int], trained_on_all: Sequence[Trial]
    ) -> FinalModel:
        """Return the average of the trials' models, each so often, or as trained on all rows, and what it measures."""
        return final_model(
            [self.trained(trial) for trial in trials],
            counts,
            self._metric,
            has_test=self._test > 0,
            of_all_rows=[self.of_all_rows.trained(trial) for trial in trained_on_all],
        )

    def ensemble(self, trials: Sequence[Trial], lead: int) -> tuple[int, ...]:
        """Return how often each trial's model is in the average that answers validation rows best."""
        return ensemble_counts([self.trained(trial) for trial in trials], lead, self._metric)

    @property
    def trains_on_all(self) -> bool:
        """Whether what is handed out is to train on the validation split's rows too: where there are few others.

        A threshold is made on rows that training has not seen, for the models whose answers it was made of: others are
        surer, or less sure, and may answer with one class alone by it.
        """
        if len(self._split.train) + len(self._split.validation) > _MOST_ROWS_TRAINED_AGAIN:
            return False
        classes = len(np.unique(self._arrays[1])) if self._dataset.task is Task.CLASSIFICATION else 0
        return not needs_threshold(self._metric, classes)

    @cached_property
    def of_all_rows(self) -> "TrainerFactory":
        """What trains on the examples of the validation split too."""
        factory = copy(self)
        rows = np.concatenate([self._split.train, self._split.validation])
        factory._split, factory._prepared = replace(self._split, train=rows), {}  # noqa: SLF001 - one of ours
        return factory

    @property
    def _metric(self) -> str:
        """The metric of the study, the first of several."""
        return next(iter(self.wanted), "")

    def trained(self, trial: Trial) -> TrainedMember:
        """Return the trial's saved state as a model, with the data as it reads it."""
        state = saved_state(trial, "answer with")
        from tuner.objectives.user_data.raw_inputs import reader_of  # noqa: PLC0415 - pandas, which training needs not

        data = self.data(trial)
        assert data.pipeline is not None
        features, _ = self._arrays
        reader = reader_of(self._dataset, features)
        model = assembled(
            PreparedInputs(reader, data.pipeline),
            self._answers(trial, data),
            state["model"],
            config=trial.config,
            settings=trial.settings,
            seed=self._seed,
        )
        return TrainedMember(model, data)

    def _answers(self, trial: Trial, data: Data) -> Answers:
        loss = part(trial.config, "loss", data.task).build()
        labels = self._dataset.labels or range(data.outputs)
        classes = np.array(labels) if data.task is Task.CLASSIFICATION else None
        return Answers(
            task=data.task,
            loss=loss,
            classes=classes,
            centre=data.centre,
            spread=data.spread,
            calibration=Calibration(smoothing=data.smoothing),
        )
