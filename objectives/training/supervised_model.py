"""The supervised objective's trained models: made of a trial, and made again of what was saved."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from tuner.domain.config import Config
from tuner.domain.model import SavedModel
from tuner.objectives._parts import PREPROCESSING, part
from tuner.objectives._tasks import Task
from tuner.objectives.architectures._architecture import with_layer
from tuner.objectives.own_data.raw_inputs import Reader, from_description
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.answers import Answers
from tuner.objectives.training.inputs import Inputs
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.trained import TrainedModel, network_with


@final
class PreparedInputs(Inputs):
    """Raw examples, read and put through the pipeline that was fitted to the training split."""

    def __init__(self, reader: Reader, pipeline: Pipeline) -> None:
        self._reader = reader
        self._pipeline = pipeline
        self.layer = pipeline.layer
        self.columns = reader.columns

    def __call__(self, raw: Any) -> Tensor:
        return torch.from_numpy(self._pipeline(self._reader(raw)))

    def doubts(self, raw: Any) -> Sequence[str]:
        return self._reader.doubts(raw)

    def describe(self) -> dict[str, Any]:
        return self._reader.describe()

    @property
    def state(self) -> dict[str, Any]:
        return self._pipeline.state()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example as the architecture is given it, behind the `layer` where there is one."""
        return self._pipeline.shape(tuple(self.example().shape[1:]))

    def example(self) -> Tensor:
        return torch.from_numpy(self._pipeline(np.zeros((2, *self._reader.shape), dtype=np.float32)))


def assembled(
    inputs: PreparedInputs, answers: Answers, weights: Mapping[str, Any], *, config: Config, settings: Config, seed: int
) -> TrainedModel:
    """Return the model of a configuration with these weights."""
    architecture = part(config, "architecture", answers.task).build()
    outputs = 1 if answers.classes is None else len(answers.classes)
    return TrainedModel(
        network_with(lambda: with_layer(inputs.layer, architecture, inputs.shape, outputs), weights),
        inputs=inputs,
        answers=answers,
        precision=Precision(settings.get("precision", Precision.FLOAT32.value)),
        config=config,
        # Where the data lay is nobody's business who is handed the model.
        settings=Config({**settings, "dataset": Path(str(settings.get("dataset", ""))).name}),
        seed=seed,
    )


def restored(saved: SavedModel) -> TrainedModel:
    """Return the model that was saved; raises `ValueError`, or whatever its parts do, where it makes no sense."""
    task = Task(saved.description["task"])
    steps = [part(saved.config, kind, task).build() for kind in PREPROCESSING]
    encoding = part(saved.config, "encoding", task).build() if len(saved.preparation["categories"]) else None
    pipeline = Pipeline.restored(steps, saved.preparation, encoding)
    inputs = PreparedInputs(from_description(saved.description["inputs"]), pipeline)
    answers = Answers.of(saved.description, part(saved.config, "loss", task).build())
    return assembled(inputs, answers, saved.weights, config=saved.config, settings=saved.settings, seed=saved.seed)
