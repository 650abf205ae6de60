"""Models that answer with decoded outputs of a network: classes, their probabilities, or values."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tuner.domain.model import Model
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.output_decoder import Answers


class AnsweringModel(Model):
    """Decodes what a subclass computes."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @abstractmethod
    def outputs(self, inputs: Any) -> Tensor:
        """Return the network's outputs, (rows, outputs)."""

    @property
    def classes_(self) -> Array:
        if self._answers.classes is None:
            raise AttributeError("a model that predicts values has no classes")
        return self._answers.classes

    def predict(self, inputs: Any) -> Array:
        if self._answers.classes is None:
            return self._answers.values(self.outputs(inputs)).numpy()
        answers: Array = self._answers.classes[self.predict_proba(inputs).argmax(axis=1)]
        return answers

    def predict_proba(self, inputs: Any) -> NDArray[np.float32]:
        if self._answers.classes is None:
            raise AttributeError("a model that predicts values has no probabilities; predict gives the values")
        return self._answers.probabilities(self.outputs(inputs)).numpy()
