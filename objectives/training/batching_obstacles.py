"""Obstacles to batching that are visible without training: hooks, shared tensors, mixed types."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.model_fingerprint import difference, layer_in_words, traits_of
from tuner.objectives.training.tensor_comparison import tensors_of


def obstacles_of(models: Sequence[nn.Module]) -> Iterator[str]:
    """Yield what these models have, or what hangs on their tensors, that a batch does not have."""
    traits = [traits_of(model) for model in models]
    for others in traits[1:]:
        if (place := difference(traits[0], others)) is not None:
            yield f"{place} that is another one each time the model is built"
    model = models[0]
    for prefix, layer in model.named_modules():
        where = layer_in_words(prefix)
        for key, parameter in layer.named_parameters(recurse=False):
            yield from (f"{where} has a parameter {key!r} {problem}" for problem in _of_parameter(parameter))
        for key, buffer in layer.named_buffers(recurse=False):
            if type(buffer) not in _KINDS:
                yield f"{where} has a buffer {key!r} that is a {type(buffer).__name__}, and would become a plain tensor"
    yield from _of_all_tensors(model)


_KINDS = (Tensor, nn.Parameter, nn.Buffer)


def _of_parameter(parameter: Any) -> Iterator[str]:
    if type(parameter) not in _KINDS:
        yield f"that is a {type(parameter).__name__}, and would become a plain tensor"
    if any(getattr(parameter, hooks, None) for hooks in ("_backward_hooks", "_post_accumulate_grad_hooks")):
        yield "with a hook, and together gradients are those of other tensors"
    if parameter.requires_grad and parameter.dtype in (torch.float16, torch.bfloat16, torch.complex32):
        yield f"of {parameter.dtype}, which rounds differently together"


def _of_all_tensors(model: nn.Module) -> Iterator[str]:
    precisions = {parameter.dtype.to_real() for parameter in model.parameters() if parameter.requires_grad}
    if len(precisions) > 1:
        yield f"its parameters have several types: {', '.join(sorted(map(str, precisions)))}"
    owners: dict[int, str] = {}
    for name, tensor in tensors_of(model):
        if tensor.numel():
            memory = tensor.untyped_storage().data_ptr()
            if memory in owners:
                yield f"{name!r} shares memory with {owners[memory]!r}"
            owners[memory] = name
    names, known = Layout.of(model).names, dict(tensors_of(model))
    for name, tensor in model.state_dict(keep_vars=True).items():
        if name not in names or known.get(names[name]) is not tensor:
            yield f"its state dict has {name!r}, which is none of its parameters and buffers"
