"""Finds the innermost layer that shows a fault of its model when it is run alone."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from tuner.objectives.training.model_fingerprint import layer_in_words

_NEAR = 1e-3
_Call = tuple[tuple[Any, ...], dict[str, Any]]


def culprit(
    models: Sequence[nn.Module], inputs: Sequence[Tensor], seed: Callable[[], None]
) -> tuple[str, str, str] | None:
    """Return the name, the class and the problem of the innermost layer that differs when it is run for all `models`.

    None where no layer does so by itself. The first of the models serves as the template.
    """
    calls = [_calls(model, each, seed) for model, each in zip(models, inputs, strict=True)]
    layers = [dict(model.named_modules()) for model in models]
    inner_first = sorted(layers[0], key=lambda name: -len(name.split(".")) if name else 0)
    for name in inner_first:
        if all(name in known for known in calls):
            problem = _problem([each[name] for each in layers], [each[name] for each in calls], seed)
            if problem is not None:
                return name, type(layers[0][name]).__name__, problem
    return None


def said(error: Exception) -> str:
    """Return what torch says of what it cannot do for many models at once, without its advice."""
    first = str(error).strip().partition("\n")[0].removeprefix("vmap: ")
    return first.partition(". ")[0].rstrip(".") or type(error).__name__


def drawing_layer(model: nn.Module, inputs: Tensor, drawn: Callable[[], Any]) -> str:
    """Return, in words, the innermost layer that changes what `drawn` returns."""
    before: dict[str, Any] = {}
    found: list[str] = []
    handles = []
    for name, layer in model.named_modules():

        def enter(*_: Any, name: str = name) -> None:
            before[name] = drawn()

        def leave(*_: Any, name: str = name) -> None:
            if drawn() != before[name]:
                found.append(name)

        handles += [layer.register_forward_pre_hook(enter), layer.register_forward_hook(leave)]
    try:
        model.train()(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return layer_in_words(found[0] if found else "")


def _calls(model: nn.Module, inputs: Tensor, seed: Callable[[], None]) -> dict[str, _Call]:
    """Return what every layer is given first when the model is run, by the layer's name."""
    found: dict[str, _Call] = {}
    handles = []
    for name, layer in model.named_modules():

        def keep(_: nn.Module, given: Any, named: Any, name: str = name) -> None:
            found.setdefault(name, tree_map(_copied, (given, named)))

        handles.append(layer.register_forward_pre_hook(keep, with_kwargs=True, prepend=True))
    seed()
    # The model may be unusable after the failure; the calls before it are known then.
    with suppress(Exception), torch.no_grad():
        model.train()(inputs.clone())
    for handle in handles:
        handle.remove()
    return found


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _problem(layers: Sequence[nn.Module], calls: Sequence[_Call], seed: Callable[[], None]) -> str | None:
    """Return what differs between running layers one by one and at once; None where nothing does."""
    try:
        alone = [_alone(layer, call, seed) for layer, call in zip(layers, calls, strict=True)]
    except Exception:  # noqa: BLE001 - what does not work alone says nothing about together
        return None
    try:
        together = _together(layers, calls, seed)
    except Exception as error:  # noqa: BLE001 - whatever torch says
        return said(error)
    for one, other in zip(zip(*alone, strict=True), together, strict=True):
        stacked = torch.stack(one)
        size = float(stacked.abs().max()) if stacked.numel() else 0.0
        if stacked.shape != other.shape or float((stacked - other).abs().max()) > _NEAR * size + 1e-6:
            return "together it is not what it is alone"
    return None


def _alone(layer: nn.Module, call: _Call, seed: Callable[[], None]) -> list[Tensor]:
    """Return a layer's outputs and the gradients of its parameters, as lists of one kind and order."""
    parameters = {
        name: each.detach().clone().requires_grad_(each.requires_grad) for name, each in layer.named_parameters()
    }
    buffers = {name: each.detach().clone() for name, each in layer.named_buffers()}
    given, named = tree_map(_copied, call)
    asked = [*parameters.values(), *_asking(_tensors_of((given, named)))]
    seed()
    layer.train()
    outputs = _tensors_of(functional_call(layer, {**parameters, **buffers}, *tree_map(_passed_on, (given, named))))
    return [*(each.detach() for each in outputs), *_slopes(outputs, asked, lead=0)]


def _together(layers: Sequence[nn.Module], calls: Sequence[_Call], seed: Callable[[], None]) -> list[Tensor]:
    known = [dict(layer.named_parameters()) for layer in layers]
    parameters = {
        name: torch.stack([each[name].detach() for each in known]).requires_grad_(first.requires_grad)
        for name, first in known[0].items()
    }
    held = [dict(layer.named_buffers()) for layer in layers]
    buffers = {name: torch.stack([each[name].detach() for each in held]) for name in held[0]}
    flat = [tree_flatten(tree_map(_copied, call)) for call in calls]
    shape = flat[0][1]
    stacked = [
        torch.stack(each) if isinstance(each[0], Tensor) else each[0]
        for each in zip(*(leaves for leaves, _ in flat), strict=True)
    ]

    def run(weights: dict[str, Tensor], rest: dict[str, Tensor], tensors: list[Tensor]) -> list[Tensor]:
        replaced = iter(tensors)
        leaves = [next(replaced) if isinstance(each, Tensor) else each for each in stacked]
        given, named = tree_unflatten(leaves, shape)
        return _tensors_of(functional_call(layers[0], {**weights, **rest}, given, named))

    layers[0].train()
    seed()
    tensors = [each for each in stacked if isinstance(each, Tensor)]
    asked = [*parameters.values(), *_asking(tensors)]
    outputs = vmap(run, randomness="same")(parameters, buffers, list(map(_passed_on, tensors)))
    return [*(each.detach() for each in outputs), *_slopes(outputs, asked, lead=1)]


def _asking(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return those of a layer's inputs that can have gradients, and let them ask for theirs."""
    return [each.requires_grad_() for each in tensors if each.is_floating_point()]


def _passed_on(value: Any) -> Any:
    """Return a tensor that a layer may change in place, though the one it was made of asks for gradients."""
    return value.clone() if isinstance(value, Tensor) else value


def _tensors_of(outputs: Any) -> list[Tensor]:
    return [each for each in tree_flatten(outputs)[0] if isinstance(each, Tensor)]


def _slopes(outputs: Sequence[Tensor], parameters: Sequence[Tensor], *, lead: int) -> list[Tensor]:
    """Return the gradients of a sum of all outputs, each with its own factor."""
    real = [each for each in outputs if each.requires_grad]
    asked = [each for each in parameters if each.requires_grad]
    if not real or not asked:
        return []
    total = sum((each.abs() if each.is_complex() else each).mul(_factors(each, lead)).sum() for each in real)
    assert isinstance(total, Tensor)
    found = torch.autograd.grad(total, asked, allow_unused=True)
    return [torch.zeros_like(one) if each is None else each for one, each in zip(asked, found, strict=True)]


def _factors(outputs: Tensor, lead: int) -> Tensor:
    shape = outputs.shape[lead:]
    return torch.cos(torch.arange(shape.numel(), device=outputs.device)).view(shape)
