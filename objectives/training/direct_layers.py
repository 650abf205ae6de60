"""Direct layers: what common layers compute for many rows at once, in torch's own batched operations.

`torch.func.vmap` runs any model for many rows, at several times what a small layer itself costs: each operation is
looked up anew, and a bias is a pass of its own over the activations. A model that is a sequence of these layers does
not need it. Activations are (rows, batch, ...), and a layer's tensors have a leading dimension of rows.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.objectives.architectures._layers import (
    Dropout,
    Periodic,
    PiecewiseLinear,
    dropped_out,
    in_ranges,
    with_waves,
)
from tuner.objectives.architectures._tabular import (
    BlendedActivation,
    ColumnScale,
    ScaledLinear,
    blended,
    scale_of,
    scaled_columns,
)
from tuner.objectives.training.layer_attributes import Place

_BY_ELEMENT = (
    nn.Identity,
    nn.ReLU,
    nn.GELU,
    nn.SiLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.LeakyReLU,
    nn.ELU,
    nn.Softplus,
    nn.Mish,
    nn.SELU,
)
_BY_EXAMPLE = (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)

_VECTORS = 3
"""The dimensions of activations that are (rows, batch, features)."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One layer's computation: its tensors by their names in the layer, and the activations it is given."""

    tensors: Mapping[str, Tensor]
    activations: Tensor
    columns: Mapping[str, Tensor]
    """Numbers of the layer of which each row has its own, (rows,), by attribute."""
    training: bool
    draws_same: bool
    """Whether all rows draw the same random numbers, as each does alone from the same seed."""

    def affine(self, dimensions: int) -> tuple[Tensor, Tensor] | None:
        """Return the scale and the shift, (rows, 1, ...) with features in front of so many dimensions; None without."""
        if "weight" not in self.tensors:
            return None
        weight, bias = self.tensors["weight"], self.tensors.get("bias")
        shape = (len(weight), 1, *weight.shape[1:], *[1] * dimensions)
        return weight.view(shape), torch.zeros_like(weight).view(shape) if bias is None else bias.view(shape)


def _linear(_layer: Any, call: Call) -> Tensor:
    inputs, weight, bias = call.activations, call.tensors["weight"], call.tensors.get("bias")
    rows = inputs.flatten(1, -2) if inputs.dim() > _VECTORS else inputs
    outputs = rows @ weight.mT if bias is None else torch.baddbmm(bias[:, None], rows, weight.mT)
    return outputs.view(*inputs.shape[:-1], -1)


def _flatten(layer: nn.Flatten, call: Call) -> Tensor:
    first, last = layer.start_dim, layer.end_dim
    return call.activations.flatten(first if first < 0 else first + 1, last if last < 0 else last + 1)


def _by_element(layer: nn.Module, call: Call) -> Tensor:
    outputs: Tensor = layer(call.activations)
    return outputs


def _by_example(layer: nn.Module, call: Call) -> Tensor:
    inputs = call.activations
    outputs: Tensor = layer(inputs.flatten(0, 1))
    return outputs.view(*inputs.shape[:2], *outputs.shape[1:])


def _own_dropout(layer: Dropout, call: Call) -> Tensor:
    return call.activations if not call.training or layer.idle else _dropped_out(call, call.tensors["share"])


def _dropout(layer: nn.Dropout, call: Call) -> Tensor:
    inputs = call.activations
    if not call.training:
        return inputs
    if "p" in call.columns:
        return _dropped_out(call, call.columns["p"])
    if not call.draws_same:
        return functional.dropout(inputs, layer.p)
    return inputs * functional.dropout(torch.ones_like(inputs[0]), layer.p)


def _dropped_out(call: Call, share: Tensor) -> Tensor:
    inputs = call.activations
    column = share.view(len(share), *[1] * (inputs.dim() - 1))
    return dropped_out(inputs, column, drawn_for=inputs.shape[1:] if call.draws_same else inputs.shape)


def _layer_norm(layer: nn.LayerNorm, call: Call) -> Tensor:
    normal = functional.layer_norm(call.activations, layer.normalized_shape, None, None, layer.eps)
    affine = call.affine(0)
    if affine is None:
        return normal
    scale, shift = (each.view(len(each), *[1] * (normal.dim() - each.dim() + 1), *each.shape[2:]) for each in affine)
    return torch.addcmul(shift, normal, scale)


def _group_norm(layer: nn.GroupNorm, call: Call) -> Tensor:
    inputs = call.activations
    normal = functional.group_norm(inputs.flatten(0, 1), layer.num_groups, None, None, layer.eps).view(inputs.shape)
    affine = call.affine(inputs.dim() - _VECTORS)
    return normal if affine is None else torch.addcmul(affine[1], normal, affine[0])


def _batch_norm(layer: Any, call: Call) -> Tensor:
    tensors = call.tensors
    if call.training:
        tensors["num_batches_tracked"].add_(1)
    outputs = functional.batch_norm(
        _folded(call.activations),
        tensors["running_mean"].view(-1),
        tensors["running_var"].view(-1),
        tensors["weight"].flatten() if "weight" in tensors else None,
        tensors["bias"].flatten() if "bias" in tensors else None,
        training=call.training,
        momentum=layer.momentum,
        eps=layer.eps,
    )
    return _unfolded(outputs, len(call.activations))


def _convolution(layer: Any, call: Call) -> Tensor:
    weight, bias = call.tensors["weight"], call.tensors.get("bias")
    convolve = functional.conv1d if isinstance(layer, nn.Conv1d) else functional.conv2d
    outputs = convolve(
        _folded(call.activations),
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups * len(weight),
    )
    return _unfolded(outputs, len(weight))


def _folded(activations: Tensor) -> Tensor:
    """Return (rows, batch, features, ...) as (batch, rows * features, ...)."""
    return activations.transpose(0, 1).flatten(1, 2)


def _unfolded(activations: Tensor, rows: int) -> Tensor:
    return activations.view(len(activations), rows, -1, *activations.shape[2:]).transpose(0, 1)


def _piecewise_linear(_layer: PiecewiseLinear, call: Call) -> Tensor:
    return in_ranges(call.activations, *(call.tensors[name][:, None] for name in ("low", "rate")))


def _periodic(_layer: Periodic, call: Call) -> Tensor:
    names = ("frequency", "phase", "weight", "bias")
    return with_waves(call.activations, *(call.tensors[name][:, None] for name in names))


def _column_scale(_layer: ColumnScale, call: Call) -> Tensor:
    return scaled_columns(call.activations, call.tensors["weight"][:, None])


def _scaled_linear(_layer: ScaledLinear, call: Call) -> Tensor:
    weight = call.tensors["weight"]
    return torch.baddbmm(call.tensors["bias"][:, None], call.activations, weight.mT, alpha=scale_of(weight))


def _blended(layer: BlendedActivation, call: Call) -> Tensor:
    return blended(layer.name, call.activations, call.tensors["share"][:, None])


_LAYERS: Mapping[type[nn.Module], Callable[[Any, Call], Tensor]] = {
    **dict.fromkeys(_BY_ELEMENT, _by_element),
    **dict.fromkeys(_BY_EXAMPLE, _by_example),
    nn.Linear: _linear,
    nn.Flatten: _flatten,
    Dropout: _own_dropout,
    PiecewiseLinear: _piecewise_linear,
    Periodic: _periodic,
    ColumnScale: _column_scale,
    ScaledLinear: _scaled_linear,
    BlendedActivation: _blended,
    nn.Dropout: _dropout,
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
}


@final
class DirectModel:
    """A model that is a sequence of direct layers."""

    def __init__(self, layers: Sequence[tuple[str, nn.Module]]) -> None:
        self._layers = [
            (
                name,
                layer,
                _LAYERS[type(layer)],
                {
                    key: f"{name}.{key}" if name else key
                    for key, _ in (*layer.named_parameters(), *layer.named_buffers())
                },
            )
            for name, layer in layers
        ]

    @staticmethod
    def of(model: nn.Module, columns: Collection[Place] = ()) -> "DirectModel | None":
        """Return the model as direct layers; None where it has others, or where something is hooked into one.

        `columns` are the numbers of its layers of which each row has its own: of dropout alone a layer here takes them.
        """
        layers = _in_order("", model)
        if layers is None or len({id(layer) for _, layer in layers}) < len(layers):
            return None
        takes = {(name, "p") for name, layer in layers if type(layer) is nn.Dropout}
        return DirectModel(layers) if takes.issuperset(columns) else None

    def __call__(
        self,
        tensors: Mapping[str, Tensor],
        inputs: Tensor,
        columns: Mapping[Place, Tensor] = MappingProxyType({}),
        *,
        training: bool,
        draws_same: bool = False,
    ) -> Tensor:
        """Return the outputs, (rows, batch, ...); buffers are changed in place.

        `tensors` has all parameters and buffers by name, with a leading dimension of rows, as `inputs` has; `columns`
        has the numbers of which each row has its own.
        """
        for name, layer, compute, names in self._layers:
            call = Call(
                tensors={key: tensors[place] for key, place in names.items()},
                activations=inputs,
                columns={place[1]: column for place, column in columns.items() if place[0] == name},
                training=training,
                draws_same=draws_same,
            )
            inputs = compute(layer, call)
        return inputs


def _in_order(name: str, model: nn.Module) -> list[tuple[str, nn.Module]] | None:
    """Return the layers, with their names, that the model calls one after the other; None where one is not direct."""
    if _is_hooked(model):
        return None
    if type(model) is not nn.Sequential:
        return [(name, model)] if type(model) in _LAYERS and _is_usual(model) else None
    found: list[tuple[str, nn.Module]] = []
    for key, layer in model._modules.items():  # noqa: SLF001 - `named_children` leaves out what comes again
        inner = _in_order(f"{name}.{key}" if name else key, layer)
        if inner is None:
            return None
        found += inner
    return found


def _is_hooked(layer: Any) -> bool:
    """Whether something is run beside the layer's forward pass, or in its place."""
    hooks = (layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks, layer._backward_pre_hooks)  # noqa: SLF001 - torch has no other way to ask
    return any(hooks) or "forward" in vars(layer)


def _is_usual(layer: Any) -> bool:
    """Whether a layer has no option that its function here does not have."""
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return layer.track_running_stats and layer.momentum is not None
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        return layer.padding_mode == "zeros"
    if isinstance(layer, nn.MaxPool1d | nn.MaxPool2d):
        return not layer.return_indices
    return not getattr(layer, "inplace", False)
