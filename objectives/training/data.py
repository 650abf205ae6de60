"""A dataset as a trial sees it: split, preprocessed, on the device."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.datasets._splitting import Rows, Split
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.calibration import smoothing_of

EVALUATED_AT_ONCE = 4096
"""How many examples a model is evaluated with at once, alone or together: some compute something of all of them."""

BLOCK_WEIGHTS = 300_000
"""How many weights are trained at once on a CPU: with gradients and moments they still fit into its cache."""


class TrainingExamples(ABC):
    """What models are shown in training, an epoch's examples in an order that its seed decides."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the examples are given out."""

    @abstractmethod
    def epoch_steps(self, batch_size: int) -> int:
        """Return in how many batches of this size an epoch is shown."""

    @abstractmethod
    def order(self, seed: int, epoch: int, batch_size: int, generator: torch.Generator) -> Tensor:
        """Return the places of an epoch's examples, (examples,), for a trial of this seed; `epoch` counts from 0.

        What is drawn without regard to the seed comes from the generator, which is the trial's own in this epoch.
        """

    @abstractmethod
    def inputs(self, places: Tensor) -> Tensor:
        """Return what a model is given at these places, (*places, *shape)."""

    @abstractmethod
    def answers(self, places: Tensor) -> Tensor:
        """Return what it is trained towards there, (*places,)."""


@final
@dataclass(frozen=True, slots=True)
class Examples(TrainingExamples):
    """One part of a split: what the model is given, what it is trained towards, and what its metrics are about."""

    features: Tensor
    targets: Tensor
    measured: Array
    groups: Array | None = None
    """The group of each, (examples,), where rows of one group are like each other; None where all are independent."""

    @property
    def device(self) -> torch.device:
        return self.targets.device

    def epoch_steps(self, batch_size: int) -> int:
        return -(-len(self.targets) // batch_size)

    def order(self, seed: int, epoch: int, batch_size: int, generator: torch.Generator) -> Tensor:
        return torch.randperm(len(self.targets), generator=generator)

    def inputs(self, places: Tensor) -> Tensor:
        return _at(self.features, places)

    def answers(self, places: Tensor) -> Tensor:
        return _at(self.targets, places)


def _at(tensor: Tensor, places: Tensor) -> Tensor:
    """Return the examples at these places, (*places, *shape)."""
    return tensor.index_select(0, places.flatten()).view(places.shape + tensor.shape[1:])


@final
@dataclass(frozen=True, kw_only=True)
class Data:
    """The three parts of a split, ready for a device, of which the test part is made when it is asked for.

    An architecture is given examples of this `shape`, behind the `layer` that reads the features where there is one. A
    model has so many `outputs`. Predictions of values times `spread` plus `centre` are in original units.
    """

    task: Task
    outputs: int
    train: TrainingExamples
    validation: Examples
    make_test: Callable[[], Examples] = field(repr=False)
    shape: tuple[int, ...] = ()
    layer: Callable[[], nn.Module | None] = field(default=lambda: None, repr=False)
    centre: float = 0.0
    spread: float = 1.0
    smoothing: float = 0.0
    """How much certainty a classifier's probabilities spread over all classes before they are measured."""
    pipeline: Pipeline | None = field(default=None, repr=False)
    """What has prepared the features; None where they came prepared."""
    at_once: int = EVALUATED_AT_ONCE
    """How many examples a model is evaluated with at once."""
    block_weights: int = BLOCK_WEIGHTS
    """How many weights are trained at once on a CPU."""

    @cached_property
    def test(self) -> Examples:
        """The examples that nothing was chosen by."""
        return self.make_test()

    def class_weights(self) -> Tensor:
        """Return a weight for each class by which all classes weigh as much in training: 1 on average."""
        assert isinstance(self.train, Examples)  # as all data of a classifier is
        counts = torch.bincount(self.train.targets, minlength=self.outputs).clamp_min(1)
        return len(self.train.targets) / (self.outputs * counts.float())


def prepared(
    features: Array,
    targets: Array,
    *,
    task: Task,
    split: Split,
    fit: Callable[[Array], Pipeline],
    device: str,
) -> Data:
    """Return a dataset, preprocessed by the pipeline that `fit` returns for the features of the training split.

    For regression the targets are standardised with the mean and standard deviation of the training split.
    """
    pipeline = fit(features[split.train])
    centre, spread = _scale(targets[split.train]) if task is Task.REGRESSION else (0.0, 1.0)

    def examples(rows: Rows) -> Examples:
        measured = targets[rows]
        trained = torch.from_numpy(measured)
        if task is Task.REGRESSION:
            trained = ((trained - centre) / spread).float()
        inputs = torch.from_numpy(pipeline(features[rows]))
        groups = None if split.groups is None else split.groups[rows]
        return Examples(inputs.to(device), trained.to(device), measured, groups)

    train = examples(split.train)
    return Data(
        task=task,
        outputs=int(targets.max()) + 1 if task is Task.CLASSIFICATION else 1,
        train=train,
        validation=examples(split.validation),
        make_test=lambda: examples(split.test),
        shape=pipeline.shape(tuple(train.features.shape[1:])),
        layer=pipeline.layer,
        centre=centre,
        spread=spread,
        smoothing=smoothing_of(len(train.targets)) if task is Task.CLASSIFICATION else 0.0,
        pipeline=pipeline,
    )


def _scale(targets: Array) -> tuple[float, float]:
    # Targets that are all equal have no spread to divide by.
    return float(targets.mean()), float(targets.std()) or 1.0
