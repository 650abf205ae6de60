"""Export of a trained network to ONNX, for inference without torch."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.domain.errors import ConfigurationError
from tuner.objectives.training.output_decoder import Answers

_LIBRARIES = ("onnx", "onnxscript")


def write(network: nn.Module, answers: Answers, example: Tensor, path: Path) -> None:
    """Write the network, from prepared inputs to probabilities or values, to one file.

    Raises `ConfigurationError` where a library is missing, or torch cannot say what the network does in ONNX.
    """
    missing = [library for library in _LIBRARIES if find_spec(library) is None]
    if missing:
        raise ConfigurationError(f"ONNX needs {' and '.join(missing)}", hint="pip install 'tuner[onnx]'")
    try:
        with _quietly():
            program = torch.onnx.export(
                _Answering(network, answers).eval(),
                (example,),
                input_names=["inputs"],
                output_names=["values" if answers.classes is None else "probabilities"],
                dynamic_shapes={"inputs": {0: torch.export.Dim("rows")}},
                dynamo=True,
            )
            assert program is not None
            path.write_bytes(_without_traces(program.model_proto).SerializeToString())
    except Exception as error:  # torch's exporter raises what each of its passes likes
        reason = str(error).strip().partition("\n")[0]
        raise ConfigurationError(
            f"torch cannot write this network as ONNX: {reason}", hint="without --onnx it is exported all the same"
        ) from error


def _without_traces(model: Any) -> Any:
    """Return the model without the stack traces that torch leaves at every node: they name this machine's folders."""
    for each in (model.graph, *model.functions):
        for part in (each, *each.node, *each.value_info):
            del part.metadata_props[:]
    return model


@final
class _Answering(nn.Module):
    def __init__(self, network: nn.Module, answers: Answers) -> None:
        super().__init__()
        self.network = network
        self._answers = answers

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs).float()
        outputs = outputs[:, None] if outputs.dim() == 1 else outputs
        answers = self._answers
        if answers.classes is None:
            return answers.values(outputs)
        return answers.calibration.of_tensor(answers.probabilities(outputs))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what the exporter says of its progress, and its warnings about itself, from a person's terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
