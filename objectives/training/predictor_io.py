"""Predictors of the supervised objective: built from a trial's state, or restored from an exported model."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor

from tuner.domain.config import Config
from tuner.domain.model import SavedModel
from tuner.objectives._components import PREPROCESSING, part
from tuner.objectives._tasks import Task
from tuner.objectives.architectures._architecture import with_layer
from tuner.objectives.datasets._dataset import Features
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.inputs import Inputs
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.predictor import TrainedModel, network_with
from tuner.objectives.training.weights import Weights

if TYPE_CHECKING:
    from tuner.objectives.user_data.raw_inputs import Reader


@final
class PreparedInputs(Inputs):
    """Raw examples, read and put through the pipeline that was fitted to the training split."""

    def __init__(self, reader: "Reader", pipeline: Pipeline) -> None:
        self._reader = reader
        self._pipeline = pipeline
        self.layer = pipeline.layer
        self.columns = reader.columns

    def __call__(self, raw: Any) -> Tensor:
        return self.prepared(self.read(raw))

    def read(self, raw: Any) -> Features:
        """Return raw examples as features, which are the same for all models of one dataset."""
        return self._reader(raw)

    def prepared(self, features: Features) -> Tensor:
        """Return features as the network reads them."""
        return torch.from_numpy(self._pipeline(features))

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
        origin=ModelOrigin.of(config, settings, seed),
    )


def restored(saved: SavedModel) -> TrainedModel:
    """Return the model that was saved; raises `ValueError`, or whatever its parts do, where it makes no sense."""
    from tuner.objectives.user_data.raw_inputs import from_description  # noqa: PLC0415 - pandas, which training needs not

    refuse_absurd(saved)
    task = Task(saved.description["task"])
    steps = [part(saved.config, kind, task).build() for kind in PREPROCESSING]
    encoding = part(saved.config, "encoding", task).build() if len(saved.preparation["categories"]) else None
    reader = from_description(saved.description["inputs"])
    is_table = len(reader.shape) == 1
    number_encoding = part(saved.config, "number_encoding", task).build() if is_table else None
    pipeline = Pipeline.restored(steps, saved.preparation, encoding, number_encoding)
    if math.prod(reader.shape) > _MOST_NUMBERS or math.prod(pipeline.shape(reader.shape)) > _MOST_NUMBERS:
        raise ValueError(f"an example of {reader.shape} has more than {_MOST_NUMBERS:,} numbers")
    inputs = PreparedInputs(reader, pipeline)
    answers = Answers.of(saved.description, part(saved.config, "loss", task).build())
    return assembled(inputs, answers, saved.weights, config=saved.config, settings=saved.settings, seed=saved.seed)


def refuse_absurd(saved: SavedModel) -> None:
    """Raise `ValueError` where the configuration asks for sizes that are none of the weights': a name costs nothing.

    A network has a tensor or more in each of its layers, and none of its sizes is beyond all of its tensors'.
    """
    shapes = saved.weights.shapes if isinstance(saved.weights, Weights) else {}
    widest = max((size for shape in shapes.values() for size in shape), default=0)
    architecture = saved.config.get("architecture")
    for name, value in architecture.items() if isinstance(architecture, Mapping) else ():
        most = len(shapes) if name == "depth" else max(widest, _ALWAYS)
        if shapes and isinstance(value, int | float) and value > most:
            raise ValueError(f"architecture.{name} is {value:.6g}, and its weights have no more than {most}")


_MOST_NUMBERS = 2**24
"""How many numbers an example may have."""

_ALWAYS = 64
"""Up to which a number needs no tensor of its size: a kernel, or heads."""
