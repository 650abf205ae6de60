"""Predictor: network, fitted preprocessing and label decoding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.domain.model import SavedModel
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.answering_model import AnsweringModel
from tuner.objectives.training.calibration import Calibration
from tuner.objectives.training.inputs import Inputs
from tuner.objectives.training.loop import outputs_of
from tuner.objectives.training.model_cost import latency_ms
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.model_signature import read
from tuner.objectives.training.onnx_export import write
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.seeding import undisturbed
from tuner.objectives.training.weights import Weights, fleeting, put_back

BUFFERS = "buffers"
"""Where a saved model keeps the buffers that are in no state dict."""


@final
class TrainedModel(AnsweringModel):
    """A network that answers. It computes on the CPU, in this process, whatever it was trained on."""

    def __init__(
        self,
        network: nn.Module,
        *,
        inputs: Inputs,
        answers: Answers,
        origin: ModelOrigin,
    ) -> None:
        super().__init__(answers)
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._reads = read(network)
        self.inputs = inputs
        self._precision = Precision(origin.settings.get("precision", Precision.FLOAT32.value))
        self._origin = origin

    @property
    def columns(self) -> tuple[str, ...] | None:
        return self.inputs.columns

    def doubts(self, inputs: Any) -> Sequence[str]:
        return self.inputs.doubts(inputs)

    def save(self) -> SavedModel:
        return self._origin.saved(
            description={
                **self._answers.describe(),
                "precision": self._precision.value,
                "inputs": self.inputs.describe(),
            },
            weights=self._network.state_dict(),
            preparation={**self.inputs.state, **({BUFFERS: kept} if (kept := fleeting(self._network)) else {})},
        )

    def write_onnx(self, path: Path) -> None:
        write(self._network, self._answers, self.inputs.example(), path)

    def with_calibration(self, calibration: Calibration) -> "TrainedModel":
        """Return the same model with this calibration."""
        answers = replace(self._answers, calibration=calibration)
        return TrainedModel(self._network, inputs=self.inputs, answers=answers, origin=self._origin)

    @property
    def answers(self) -> Answers:
        """What decodes its outputs."""
        return self._answers

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return sum(parameter.numel() for parameter in self._network.parameters())

    def latency_ms(self) -> float:
        """Return how long the network takes for one example, in milliseconds."""
        return latency_ms(self._network, self._reads(self.inputs.example()[:1].clone()), self._precision)

    def raw_answers(self, inputs: Any) -> Array:
        return self.answers_to(self.inputs(inputs))

    @torch.no_grad()
    def answers_to(self, prepared: Tensor) -> Array:
        """Return what `raw_answers` does, for inputs as the network reads them."""
        return self._answers.decoded(outputs_of(self._network, prepared, self._precision, self._reads))

    def __repr__(self) -> str:
        what = f"{len(self.classes_)} classes" if self.is_classifier else "values"
        return f"TrainedModel({what}, {self.weights:,} weights)"


def network_with(
    build: Callable[[], nn.Module],
    weights: Mapping[str, Any],
    buffers: Mapping[str, Tensor] = MappingProxyType({}),
    *,
    without_memory: bool = True,
) -> nn.Module:
    """Return the network with these weights and `fleeting` buffers; raises `ValueError` where they are another one's.

    Shapes are compared first, of a network `without_memory`: one that is described to be enormous is never made. Not
    every module of a person's own can be made so. The global generators, which first weights are drawn from, are left
    as they were.
    """
    with undisturbed():
        if without_memory:
            _refuse_other_shapes(build, weights)
        network = build()
    try:
        network.load_state_dict({name: weights[name] for name in weights})
    except RuntimeError as error:
        raise ValueError(f"the weights are another network's: {error}") from error
    put_back(network, buffers)
    return network


def _refuse_other_shapes(build: Callable[[], nn.Module], weights: Mapping[str, Any]) -> None:
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    found = weights.shapes if isinstance(weights, Weights) else {name: tuple(weights[name].shape) for name in weights}
    if expected != found:
        wrong = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        name = wrong[0]
        raise ValueError(
            f"the weights are another network's: {name} has the shape {found.get(name)}, not {expected.get(name)}"
        )
