"""Numbers that layers keep as attributes, as columns: `nn.Dropout(p)`, a slope, a temperature, an epsilon.

A number that the configuration chose must not decide who trains together, so every member of a cohort has its own: as a
buffer beside the attribute, which takes the attribute's place while many models run as one. torch's functions that
take numbers alone are stood in for by the same computation with a column. What does not compute the same with columns
is found out by trying, and stays part of the shape.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives.architectures._layers import Batchable
from tuner.objectives.training.seeding import unseen
from tuner.objectives.training.stand_ins import TakingColumns

Place = tuple[str, str]
"""The name of a layer and of one of its attributes."""

RunTogether = Callable[[list[nn.Module], Tensor, bool], Tensor]
"""Runs models of one shape as one, on inputs that they share, in training or not; it may use them up."""

_SUFFIX = "_as_column"
_TOLERANCE = 1e-4
_LOOKS = 8
"""How often a model is looked at to find out whether it is random in training: few units may all be kept by chance."""

_REFUSALS = (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError)
"""What code that was written for a number raises where it is given a column."""


def numbers(model: nn.Module) -> Iterator[Place]:
    """Yield the attributes of the model's layers that are real numbers; not those of layers that know of cohorts."""
    knowing = {id(inner) for layer in model.modules() if isinstance(layer, Batchable) for inner in layer.modules()}
    for name, layer in model.named_modules():
        if id(layer) not in knowing:
            yield from ((name, each) for each, value in vars(layer).items() if _is_real(value))


def with_columns(model: nn.Module, places: Iterable[Place]) -> nn.Module:
    """Give the model a buffer for each of these attributes, and return it; alone it computes as before."""
    for name, attribute in places:
        layer = model.get_submodule(name)
        value = torch.tensor(getattr(layer, attribute), dtype=torch.float64)
        layer.register_buffer(attribute + _SUFFIX, value, persistent=False)
    return model


def without_columns(model: nn.Module, places: Iterable[Place]) -> nn.Module:
    """Take these columns away from the model again, and return it."""
    for name, attribute in places:
        del model.get_submodule(name)._buffers[attribute + _SUFFIX]  # noqa: SLF001
    return model


def is_column(layer: nn.Module, attribute: str) -> bool:
    """Whether this attribute of the layer is a column."""
    return attribute + _SUFFIX in layer._buffers  # noqa: SLF001 - named_buffers copies


def fixed(model: nn.Module) -> frozenset[tuple[str, str, float]]:
    """Return the numbers of the model that are no columns: what members of one batch must have in common."""
    places = [(name, attribute, model.get_submodule(name)) for name, attribute in numbers(model)]
    return frozenset(
        (name, attribute, getattr(layer, attribute))
        for name, attribute, layer in places
        if not is_column(layer, attribute)
    )


@final
class Columns:
    """The columns of a stack: what all rows have in common stays a number, the rest varies by row.

    `buffers` has all rows' buffers by name, (rows, *shape).
    """

    def __init__(self, template: nn.Module, buffers: Mapping[str, Tensor]) -> None:
        self._varying: dict[str, tuple[nn.Module, str]] = {}
        # Attention is computed here in any case: torch's fused kernel has no rule for vmap, and falls back to a loop.
        self._attends = any(isinstance(layer, nn.MultiheadAttention) for layer in template.modules())
        for name, layer in template.named_modules():
            for buffer in [each for each in layer._buffers if each.endswith(_SUFFIX)]:  # noqa: SLF001
                attribute = buffer.removesuffix(_SUFFIX)
                values = buffers[f"{name}.{buffer}" if name else buffer]
                if len(set(values.tolist())) > 1:
                    self._varying[f"{name}.{buffer}" if name else buffer] = (layer, attribute)
                setattr(layer, attribute, float(values[0]))

    @contextmanager
    def applied(self, buffers: Mapping[str, Tensor]) -> Iterator[None]:
        """Let the layers compute with one row's `buffers`, as `vmap` gives them."""
        if not self._varying and not self._attends:
            yield
            return
        before = [(layer, attribute, getattr(layer, attribute)) for layer, attribute in self._varying.values()]
        for name, (layer, attribute) in self._varying.items():
            setattr(layer, attribute, buffers[name].to(torch.get_default_dtype()))
        try:
            with TakingColumns():
                yield
        finally:
            for layer, attribute, value in before:
                setattr(layer, attribute, value)


def columns_of(build: Callable[[], nn.Module], together: RunTogether, inputs: Tensor) -> frozenset[Place]:
    """Return which numbers of a model can be columns: with which two models compute `together` what each does alone."""
    # Layers of one kind use an attribute alike, so they are tried at once.
    kinds: dict[tuple[type, str], list[Place]] = {}
    model = build()
    for name, attribute in numbers(model):
        kinds.setdefault((type(model.get_submodule(name)), attribute), []).append((name, attribute))
    every = [place for places in kinds.values() for place in places]
    if _compute_alike(build, together, inputs, every):
        return frozenset(every)
    good: list[Place] = []
    for places in kinds.values():
        if _compute_alike(build, together, inputs, [*good, *places]):
            good += places
    return frozenset(good)


def _compute_alike(build: Callable[[], nn.Module], together: RunTogether, inputs: Tensor, places: list[Place]) -> bool:
    with unseen():
        models = [build(), build()]
        try:
            for name, attribute in places:
                layer = models[1].get_submodule(name)
                setattr(layer, attribute, _another(getattr(layer, attribute)))
            for training in (False, True):
                alone = [_outputs(model, inputs, training=training) for model in models]
                copies = [with_columns(copy.deepcopy(model), places) for model in models]
                found = together(copies, inputs, training)
                if training and _is_random(models, inputs):
                    continue  # with dropout two forward passes differ, together or alone
                if not torch.allclose(found, torch.stack(alone), rtol=_TOLERANCE, atol=_TOLERANCE):
                    return False
        except _REFUSALS:
            return False
    return True


@torch.no_grad()
def _outputs(model: nn.Module, inputs: Tensor, *, training: bool) -> Tensor:
    outputs: Tensor = copy.deepcopy(model).train(training)(inputs)
    return outputs


def _is_random(models: Iterable[nn.Module], inputs: Tensor) -> bool:
    """Whether one of the models computes something else each time in training."""
    several = ([_outputs(model, inputs, training=True) for _ in range(_LOOKS)] for model in models)
    return any(not torch.equal(outputs[0], each) for outputs in several for each in outputs[1:])


def _another(value: float) -> float:
    """Return another number that is fit where `value` is: a share stays below 1, what is above 0 stays so."""
    return 0.5 * value + 0.25


def _is_real(value: object) -> bool:
    return type(value) is float and math.isfinite(value)
