"""Stacked model: several models of one shape as one with a leading dimension, a row per trial."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from tuner.objectives.architectures._layers import Batchable, Dropout
from tuner.objectives.training.direct_layers import DirectModel
from tuner.objectives.training.flat_state import FlatState, Layout
from tuner.objectives.training.layer_attributes import Columns
from tuner.objectives.training.many_rows import ManyRows
from tuner.objectives.training.model_signature import answered, read
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.weights import own_tensors


@final
class StackedModel:
    """Models whose tensors have the same shapes, all trained weights of one in a row of `weights`.

    A model is written for one trial; `torch.func.vmap` runs it for all rows at once. `template` is one of the models,
    or another of their shape, and is used up. What training leaves as it is, is held once where it is equal in all
    rows: a pretrained body costs a cohort what it costs a trial.
    """

    def __init__(
        self, template: nn.Module, layout: Layout, rows: Sequence[FlatState], precision: Precision = Precision.FLOAT32
    ) -> None:
        self.layout = layout
        self.weights = torch.stack([row.weights for row in rows])
        self._shared, self._still = _held(rows)
        self._buffers = {name: torch.stack([row.buffers[name] for row in rows]) for name in rows[0].buffers}
        self.columns = Columns(template, [row.columns for row in rows], self.weights.device)
        self._template = template
        self._precision = precision
        self._training: bool | None = None
        self._reads = read(template)
        # Where two layers share a tensor, both are given it; a layer that is in two places is given it once.
        own = {name for prefix, layer in template.named_modules() for name in _own_names(prefix, layer)}
        self._other_names = {name: first for name, first in layout.names.items() if name != first and name in own}
        for name, layer in template.named_modules():
            if isinstance(layer, Batchable):
                layer.batched = True
            if isinstance(layer, Dropout):
                layer.idle = not bool(self._buffers[f"{name}.share"].any())
            if type(layer).forward is nn.Embedding.forward and layer.padding_idx is not None:
                _leave_padding(layer)
        self._direct = template.rows if isinstance(template, ManyRows) else self._as_direct()

    def rest(self, row: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return by name what one row does not train, and views of its buffers."""
        still = {**self._shared, **{name: tensor[row] for name, tensor in self._still.items()}}
        return still, {name: buffer[row] for name, buffer in self._buffers.items()}

    def leaves(self, rows: slice) -> dict[str, Tensor]:
        """Return the rows' weights by name, (rows, *shape) each: views that gradients are taken by."""
        parts = self.layout.parts(self.weights[rows].detach())
        return {name: part.requires_grad_() for name, part in parts.items()}

    def forward(
        self,
        leaves: Mapping[str, Tensor],
        rows: slice,
        inputs: Tensor,
        *,
        training: bool,
        shared: bool = False,
        randomness: str = "different",
    ) -> Tensor:
        """Return the outputs, (rows, batch, outputs), of the rows with these weights.

        `inputs` is (rows, batch, *shape), or (batch, *shape) where they are `shared` by all rows; what the model does
        to them in place is done to this tensor. Buffers of the rows change as the model changes them. Rows draw
        `different` random numbers, or the `same`.
        """
        if self._training is not training:  # always the first time: layers may have been built in another mode
            self._template.train(training)
            self._training = training
        buffers = {name: each[rows] for name, each in self._buffers.items()}
        inputs = self._reads(inputs)
        if self._direct is not None:
            shown = inputs.expand(rows.stop - rows.start, *inputs.shape) if shared else inputs
            columns = dict(zip(self.columns.places, self.columns.of(rows), strict=True))
            with self._precision.forward_on(inputs.device):
                outputs = self._direct(
                    {**leaves, **buffers}, shown, columns, training=training, draws_same=randomness == "same"
                )
            return answered(outputs, shown.shape[1], behind=1)
        still = {name: each[rows] for name, each in self._still.items()}
        if shared and not self.layout.shares_inputs:
            count = len(next(iter(leaves.values())))
            inputs, shared = inputs.expand(count, *inputs.shape).clone(), False
        run = vmap(self._one, in_dims=(0, 0, 0, 0, None if shared else 0), randomness=randomness)
        with self._precision.forward_on(inputs.device):
            outputs, replaced = run(dict(leaves), still, buffers, self.columns.of(rows), inputs)
        for name, buffer in replaced.items():
            buffers[name].copy_(buffer.detach())
        return answered(outputs, inputs.shape[0 if shared else 1], behind=1)

    def _as_direct(self) -> DirectModel | None:
        """Return the model as layers that need no vmap; None where it has others, or what training leaves as it is."""
        if self._shared or self._still or self._other_names or self.layout.pairs:
            return None
        return DirectModel.of(self._template, self.columns.places)

    def _one(
        self,
        weights: dict[str, Tensor],
        still: dict[str, Tensor],
        buffers: dict[str, Tensor],
        numbers: list[Tensor],
        inputs: Tensor,
    ) -> tuple[Any, dict[str, Tensor]]:
        """Return the outputs of one row, and the buffers that the model has put others in place of."""
        named = {**self.layout.whole(weights), **self._shared, **still, **buffers}
        given = {**named, **{name: named[first] for name, first in self._other_names.items()}}
        with self.columns.applied(numbers):
            outputs = functional_call(self._template, given, (inputs,), tie_weights=False)
        return outputs, {name: given[name] for name, buffer in buffers.items() if given[name] is not buffer}


def gradients(loss: Tensor, leaves: Mapping[str, Tensor]) -> Tensor:
    """Return the gradients of a sum of the rows' losses, (rows, weights of a model)."""
    parts = torch.autograd.grad(loss, list(leaves.values()))
    return torch.cat([part.reshape(len(part), -1) for part in parts], dim=1)


def _held(rows: Sequence[FlatState]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what training leaves as it is: what is equal in all rows once, and the rest with a row for each."""
    shared, still = {}, {}
    for name, first in rows[0].still.items():
        others = [row.still[name] for row in rows[1:]]
        if all(_are_equal(first, other) for other in others):
            shared[name] = first
        else:
            still[name] = torch.stack([first, *others])
    return shared, still


def _are_equal(one: Tensor, other: Tensor) -> bool:
    return one is other or one.data_ptr() == other.data_ptr() or torch.equal(one, other)


def _own_names(prefix: str, layer: nn.Module) -> Sequence[str]:
    return [f"{prefix}.{key}" if prefix else key for key, _ in own_tensors(layer)]


def _leave_padding(layer: Any) -> None:
    """Give the vector of `padding_idx` no gradient by this layer: torch's rule for vmap does so in the first row."""
    embed, padding = layer.forward, layer.padding_idx

    def forward(codes: Tensor) -> Tensor:
        vectors: Tensor = embed(codes)
        return torch.where((codes == padding)[..., None], vectors.detach(), vectors)

    layer.padding_idx, layer.forward = None, forward
