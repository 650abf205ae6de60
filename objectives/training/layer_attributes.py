"""Numeric attributes of layers as columns, one value per trial: `nn.Dropout(p)`, a slope, a temperature, an epsilon.

A number that the configuration chose must not decide which models train together, so every member of a cohort has its
own: it takes the attribute's place while many models run as one. torch's functions that take only numbers are stood in
for by the same computation with a column. What does not compute the same with columns is found out by the proof, and
stays a trait of the model.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from tuner.objectives.architectures._layers import Batchable
from tuner.objectives.training.batched_functions import TakingColumns

Place = tuple[str, str]
"""The name of a layer and of one of its attributes."""

Numbers = Mapping[Place, float]


def numbers(model: nn.Module) -> dict[Place, float]:
    """Return the real numbers that the model's layers keep and that may vary among models which run as one.

    Not those of layers that know of cohorts, nor of torch's own layers where nothing stands in for what they call.
    """
    knowing = {id(inner) for layer in model.modules() if isinstance(layer, Batchable) for inner in layer.modules()}
    for layer in model.modules():
        if isinstance(layer, nn.TransformerEncoderLayer):
            knowing |= {id(layer.norm1), id(layer.norm2)}  # it asks whether their epsilons are equal
    return {
        (name, attribute): float(value)
        for name, layer in model.named_modules()
        if id(layer) not in knowing
        for attribute, value in vars(layer).items()
        if _is_real(value) and _may_vary(layer, attribute)
    }


def kinds(model: nn.Module, places: Collection[Place]) -> list[tuple[Place, ...]]:
    """Return the places in groups: layers of one class use an attribute alike."""
    layers = dict(model.named_modules())
    found: dict[tuple[type, str], tuple[Place, ...]] = {}
    for name, attribute in places:
        kind = type(layers[name]), attribute
        found[kind] = (*found.get(kind, ()), (name, attribute))
    return [*found.values()]


def put(model: nn.Module, values: Numbers) -> nn.Module:
    """Give the model these numbers in place of its own, and return it."""
    layers = dict(model.named_modules())
    for (name, attribute), value in values.items():
        layers[name].__dict__[attribute] = value  # whatever the layer's class makes of being given one
    return model


@contextmanager
def as_columns(model: nn.Module, places: Collection[Place]) -> Iterator[None]:
    """Let the model compute alone as it does beside others: these numbers are tensors."""
    layers = dict(model.named_modules())
    mine = {(name, attribute): vars(layers[name])[attribute] for name, attribute in places}
    with _standing_in([(layers[name], attribute, _tensor(value)) for (name, attribute), value in mine.items()]):
        yield


@final
class Columns:
    """The numbers of a stack: what all rows have in common stays a number of the template, the rest varies by row."""

    def __init__(self, template: nn.Module, rows: Sequence[Numbers], device: torch.device) -> None:
        self._rows = rows
        # Attention is computed here in any case: torch's fused kernel has no rule for vmap, and falls back to a loop.
        self._attends = any(isinstance(layer, nn.MultiheadAttention) for layer in template.modules())
        self.places: list[Place] = []
        """Where rows differ, in the order of what `of` returns."""
        self._layers: list[nn.Module] = []
        self._values: list[Tensor] = []
        put(template, rows[0])  # the template may be the model of a member that has left
        layers = dict(template.named_modules())
        for name, attribute in rows[0]:
            values = [row[name, attribute] for row in rows]
            if len(set(values)) > 1:
                self.places.append((name, attribute))
                self._layers.append(layers[name])
                self._values.append(_tensor(values, device))

    def row(self, row: int) -> Numbers:
        """Return the numbers of one row."""
        return self._rows[row]

    def of(self, rows: slice) -> list[Tensor]:
        """Return what varies, (rows,) each."""
        return [values[rows] for values in self._values]

    @contextmanager
    def applied(self, values: Sequence[Tensor]) -> Iterator[None]:
        """Let the template compute with one row of what `of` returns, as `vmap` gives it."""
        if not values and not self._attends:
            yield
            return
        given = zip(self._layers, self.places, values, strict=True)
        with _standing_in([(layer, attribute, value) for layer, (_, attribute), value in given]):
            yield


@contextmanager
def _standing_in(given: Sequence[tuple[nn.Module, str, Tensor]]) -> Iterator[None]:
    before = [vars(layer)[attribute] for layer, attribute, _ in given]
    try:
        for layer, attribute, value in given:
            layer.__dict__[attribute] = value
        with TakingColumns():
            yield
    finally:
        for (layer, attribute, _), value in zip(given, before, strict=True):
            layer.__dict__[attribute] = value


def other_numbers(value: float) -> tuple[float, float]:
    """Return other numbers that are fit where `value` is: a share stays below 1, what is above 0 stays so."""
    return 0.5 * value + 0.25, 0.3 * value + 0.1


def _tensor(values: Any, device: torch.device | None = None) -> Tensor:
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)


def _is_real(value: object) -> bool:
    return type(value) in (float, np.float64) and math.isfinite(value)  # type: ignore[arg-type]


def _may_vary(layer: nn.Module, attribute: str) -> bool:
    """Whether it is worth trying: torch's own layers use what they keep as they always do."""
    return not type(layer).__module__.startswith("torch.") or _OF_TORCH.get(type(layer)) == attribute


_OF_TORCH: Mapping[type, str] = {
    nn.Dropout: "p",
    nn.Dropout1d: "p",
    nn.Dropout2d: "p",
    nn.Dropout3d: "p",
    nn.LeakyReLU: "negative_slope",
    nn.ELU: "alpha",
    nn.CELU: "alpha",
    nn.Softplus: "beta",
    nn.Softshrink: "lambd",
    nn.Hardshrink: "lambd",
    nn.LayerNorm: "eps",
    nn.MultiheadAttention: "dropout",
}
"""The layers that call a function which something stands in for, with the number that they give it."""
