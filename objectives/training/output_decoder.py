"""Decodes a network's outputs into labels, probabilities or values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from torch import Tensor

from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training.calibration import UNCALIBRATED, Calibration

CALIBRATION = "calibration"
"""Where the description of a model has its calibration."""


@final
@dataclass(frozen=True, kw_only=True)
class Answers:
    """From what the network says to what it means; where there are no `classes`, to values in the data's unit."""

    task: Task
    loss: Loss
    classes: Array | None = None
    centre: float = 0.0
    spread: float = 1.0
    calibration: Calibration = UNCALIBRATED

    def describe(self) -> dict[str, Any]:
        """Return the JSON form of all but the loss."""
        classes = None if self.classes is None else self.classes.tolist()
        described = {"task": self.task.value, "classes": classes, "centre": self.centre, "spread": self.spread}
        calibration = {} if self.calibration == UNCALIBRATED else {CALIBRATION: self.calibration.describe()}
        return {**described, **calibration}

    @staticmethod
    def of(description: Mapping[str, Any], loss: Loss) -> "Answers":
        """Return the answers that `describe` described."""
        classes = description["classes"]
        return Answers(
            task=Task(description["task"]),
            loss=loss,
            classes=None if classes is None else np.array(classes),
            centre=float(description["centre"]),
            spread=float(description["spread"]),
            # Models that were exported before there was any are not calibrated.
            calibration=Calibration.of(description[CALIBRATION]) if CALIBRATION in description else UNCALIBRATED,
        )

    def decoded(self, outputs: Tensor) -> Array:
        """Return the probability of each class, (rows, classes), or the values, (rows,)."""
        decode = self.values if self.classes is None else self.probabilities
        return decode(outputs).numpy()

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return the probability of each class."""
        return self.loss.probabilities(outputs)

    def values(self, outputs: Tensor) -> Tensor:
        """Return the values, in 64 bits: what is as large as a year has digits to lose."""
        return outputs[:, 0].double() * self.spread + self.centre
