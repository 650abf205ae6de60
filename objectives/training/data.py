"""A dataset as a trial sees it: split, preprocessed, on the device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from objectives._tasks import Task
from objectives.datasets._dataset import Array
from objectives.datasets._splitting import Rows, Split
from objectives.preprocessing._pipeline import Pipeline
from objectives.preprocessing._step import Step


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

    A model has so many `outputs`. Predictions of values times `spread` plus `centre` are in original units.
    """

    task: Task
    outputs: int
    train: Examples
    validation: Examples
    make_test: Callable[[], Examples] = field(repr=False)
    centre: float = 0.0
    spread: float = 1.0
    pipeline: Pipeline | None = field(default=None, repr=False)
    """What has prepared the features; None where they came prepared."""

    @cached_property
    def test(self) -> Examples:
        """The examples that nothing was chosen by."""
        return self.make_test()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.train.features.shape[1:])


def prepared(features: Array, targets: Array, *, task: Task, split: Split, steps: Sequence[Step], device: str) -> Data:
    """Return a dataset preprocessed by these steps.

    Everything that is fitted is fitted on the training part: the steps, and for regression the scale of the targets,
    which are trained as standard deviations from their mean.
    """
    pipeline = Pipeline(steps, features[split.train])
    centre, spread = _scale(targets[split.train]) if task is Task.REGRESSION else (0.0, 1.0)

    def examples(rows: Rows) -> Examples:
        measured = targets[rows]
        trained = torch.from_numpy(measured)
        if task is Task.REGRESSION:
            trained = ((trained - centre) / spread).float()
        inputs = torch.from_numpy(pipeline(features[rows]))
        return Examples(features=inputs.to(device), targets=trained.to(device), measured=measured)

    return Data(
        task=task,
        outputs=int(targets.max()) + 1 if task is Task.CLASSIFICATION else 1,
        train=examples(split.train),
        validation=examples(split.validation),
        make_test=lambda: examples(split.test),
        centre=centre,
        spread=spread,
        pipeline=pipeline,
    )


def _scale(targets: Array) -> tuple[float, float]:
    # Targets that are all equal have no spread to divide by.
    return float(targets.mean()), float(targets.std()) or 1.0
