"""A dataset as a trial sees it: split, preprocessed, on the device."""

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


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """One part of a split: what the model is given, what it is trained towards, and what its metrics are about."""

    features: Tensor
    targets: Tensor
    measured: Array


@final
@dataclass(frozen=True, kw_only=True)
class Data:
    """The three parts of a split, ready for a device, of which the test part is made when it is asked for.

    An architecture is given examples of this `shape`, behind the `layer` that reads the features where there is one. A
    model has so many `outputs`. Predictions of values times `spread` plus `centre` are in original units.
    """

    task: Task
    outputs: int
    train: Examples
    validation: Examples
    make_test: Callable[[], Examples] = field(repr=False)
    shape: tuple[int, ...] = ()
    layer: Callable[[], nn.Module | None] = field(default=lambda: None, repr=False)
    centre: float = 0.0
    spread: float = 1.0
    pipeline: Pipeline | None = field(default=None, repr=False)
    """What has prepared the features; None where they came prepared."""

    @cached_property
    def test(self) -> Examples:
        """The examples that nothing was chosen by."""
        return self.make_test()

    def class_weights(self) -> Tensor:
        """Return a weight for each class by which all classes weigh as much in training: 1 on average."""
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
        return Examples(features=inputs.to(device), targets=trained.to(device), measured=measured)

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
        pipeline=pipeline,
    )


def _scale(targets: Array) -> tuple[float, float]:
    # Targets that are all equal have no spread to divide by.
    return float(targets.mean()), float(targets.std()) or 1.0
