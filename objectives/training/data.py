"""A dataset as a trial sees it: split, preprocessed, on the device."""

from collections.abc import Sequence
from dataclasses import dataclass
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
class Data:
    """The three parts of a split, ready for a device.

    Everything that is fitted is fitted on the training part: the steps, and for regression the scale of the targets,
    which are trained as standard deviations from their mean. The test part is not touched before `test` is asked for.
    """

    def __init__(
        self, features: Array, targets: Array, *, task: Task, split: Split, steps: Sequence[Step], device: str
    ) -> None:
        self._features = features
        self._targets = targets
        self._rows = split
        self._device = device
        self._pipeline = Pipeline(steps, features[split.train])
        self.task = task
        self.centre, self.spread = _scale(targets[split.train]) if task is Task.REGRESSION else (0.0, 1.0)
        self.outputs = int(targets.max()) + 1 if task is Task.CLASSIFICATION else 1
        self.train = self._examples(split.train)
        self.validation = self._examples(split.validation)

    @cached_property
    def test(self) -> Examples:
        """The examples that nothing was chosen by."""
        return self._examples(self._rows.test)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(self.train.features.shape[1:])

    def _examples(self, rows: Rows) -> Examples:
        measured = self._targets[rows]
        trained = torch.from_numpy(measured)
        if self.task is Task.REGRESSION:
            trained = ((trained - self.centre) / self.spread).float()
        features = torch.from_numpy(self._pipeline(self._features[rows]))
        return Examples(features=features.to(self._device), targets=trained.to(self._device), measured=measured)


def _scale(targets: Array) -> tuple[float, float]:
    # Targets that are all equal have no spread to divide by.
    return float(targets.mean()), float(targets.std()) or 1.0
