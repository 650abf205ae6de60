"""Several models of one shape as one model with a leading dimension: a row for each trial."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from tuner.objectives.architectures._layers import Batchable, Dropout
from tuner.objectives.training.columns import Columns
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.row import Layout, Row


@final
class Stack:
    """Models whose tensors have the same shapes, all weights of one in a row of `weights`.

    A model is written for one trial; `torch.func.vmap` runs it for all rows at once. `template` is one of the models,
    or another of their shape, and is used up.
    """

    def __init__(self, template: nn.Module, rows: Sequence[Row], precision: Precision = Precision.FLOAT32) -> None:
        self.layout = Layout.of(template)
        self.weights = torch.stack([row.weights for row in rows])
        self._buffers = {name: torch.stack([row.buffers[name] for row in rows]) for name in rows[0].buffers}
        self._columns = Columns(template, self._buffers)
        every = [name for name, _ in template.named_parameters(remove_duplicate=False)]
        self._ties = len(every) > len(self.layout.shapes)  # to look for them takes as long as a small layer
        self._template = template
        self._precision = precision
        for name, layer in template.named_modules():
            if isinstance(layer, Batchable):
                layer.batched = True
            if isinstance(layer, Dropout):
                layer.idle = not bool(self._buffers[f"{name}.share"].any())

    def buffers(self, row: int) -> dict[str, Tensor]:
        """Return views of one row's buffers by name."""
        return {name: buffer[row] for name, buffer in self._buffers.items()}

    def leaves(self, rows: slice) -> dict[str, Tensor]:
        """Return the rows' weights by name, (rows, *shape) each: views that gradients are taken by."""
        parts = self.layout.parts(self.weights[rows].detach())
        return {name: part.requires_grad_() for name, part in parts.items()}

    def forward(
        self, leaves: Mapping[str, Tensor], rows: slice, inputs: Tensor, *, training: bool, shared: bool = False
    ) -> Tensor:
        """Return the outputs, (rows, batch, outputs), of the rows with these weights.

        `inputs` is (rows, batch, *shape), or (batch, *shape) where they are `shared` by all rows. Running statistics of
        the rows change in training.
        """
        if self._template.training is not training:
            self._template.train(training)
        buffers = {name: buffer[rows] for name, buffer in self._buffers.items()}
        run = vmap(self._one, in_dims=(0, 0, None if shared else 0), randomness="different")
        with self._precision.forward_on(inputs.device):
            outputs: Tensor = run(dict(leaves), buffers, inputs)
        return outputs.float()

    def _one(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        with self._columns.applied(buffers):
            outputs: Tensor = functional_call(self._template, (weights, buffers), (inputs,), tie_weights=self._ties)
        return outputs


def gradients(loss: Tensor, leaves: Mapping[str, Tensor]) -> Tensor:
    """Return the gradients of a sum of the rows' losses, (rows, weights of a model)."""
    parts = torch.autograd.grad(loss, list(leaves.values()))
    return torch.cat([part.flatten(1) for part in parts], dim=1)
