"""Models that answer with decoded outputs of a network: classes, their probabilities, or values."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.domain.model import Model
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.output_decoder import Answers


class AnsweringModel(Model):
    """Decodes what a subclass computes."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @abstractmethod
    def raw_answers(self, inputs: Any) -> Array:
        """Return the probability of each class, (rows, classes), not calibrated, or the values, (rows,)."""

    @property
    def classes_(self) -> Array:
        if self._answers.classes is None:
            raise AttributeError("a model that predicts values has no classes")
        return self._answers.classes

    def predict(self, inputs: Any) -> Array:
        if self._answers.classes is None:
            return self.raw_answers(inputs)
        decided = self._answers.calibration.decided(self.predict_proba(inputs))
        answers: Array = self._answers.classes[decided.argmax(axis=1)]
        return answers

    def predict_proba(self, inputs: Any) -> NDArray[np.float32]:
        if self._answers.classes is None:
            raise AttributeError("a model that predicts values has no probabilities; predict gives the values")
        return self._answers.calibration.calibrated(self.raw_answers(inputs))
