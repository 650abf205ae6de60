"""One trial's share of a stack: all that changes as it is trained, as flat tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.objectives.training.loop import Learner


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the tensors of a model lie in its row: the same for all models of one shape."""

    shapes: Mapping[str, torch.Size]
    """The parameters', by name and in order."""
    lasting: tuple[str, ...]
    """The names in the model's state dict."""

    @staticmethod
    def of(model: nn.Module) -> "Layout":
        """Return the layout of this model and all others of its shape."""
        shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        return Layout(shapes=shapes, lasting=tuple(model.state_dict()))

    @property
    def sizes(self) -> list[int]:
        """How many weights each parameter has."""
        return [shape.numel() for shape in self.shapes.values()]

    def parts(self, weights: Tensor) -> dict[str, Tensor]:
        """Return views of (..., weights) by name, (..., *shape) each."""
        parts = torch.split(weights, self.sizes, dim=-1)
        lead = weights.shape[:-1]
        return {name: part.view(lead + shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A model's weights (weights,), its buffers, and what its optimizer remembers.

    What is remembered of every weight is (weights,), what is remembered once (1,).
    """

    weights: Tensor
    buffers: Mapping[str, Tensor]
    memory: Mapping[str, Tensor]

    @staticmethod
    def of(learner: Learner) -> "Row":
        """Return the learner's row, which shares no memory with it."""
        row = Row.of_model(learner.model)
        return replace(row, memory=_remembered(learner, row.weights))

    @staticmethod
    def of_model(model: nn.Module) -> "Row":
        """Return the row of a model that no optimizer has to do with."""
        weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        return Row(weights=weights, buffers=buffers, memory={})

    def clone(self) -> "Row":
        """Return a copy that shares no memory with this one."""
        return Row(
            weights=self.weights.clone(),
            buffers={name: buffer.clone() for name, buffer in self.buffers.items()},
            memory={name: each.clone() for name, each in self.memory.items()},
        )

    def state(self, layout: Layout) -> dict[str, Any]:
        """Return what is saved of a trial, as if it had been trained alone."""
        named = {**layout.parts(self.weights), **self.buffers}
        return {
            "model": {name: named[name].clone() for name in layout.lasting},
            "optimizer": self._optimizer_state(layout),
        }

    def _optimizer_state(self, layout: Layout) -> dict[int, dict[str, Tensor]]:
        if not self.memory:
            return {}
        state: dict[int, dict[str, Tensor]] = {index: {} for index in range(len(layout.shapes))}
        for name, each in self.memory.items():
            once = len(each) == 1 != len(self.weights)
            parts = [each[0].float()] * len(state) if once else list(layout.parts(each).values())
            for index, part in enumerate(parts):
                state[index][name] = part.clone()
        return state


def _remembered(learner: Learner, weights: Tensor) -> dict[str, Tensor]:
    """Return what the learner's optimizer remembers, and before its first step what it begins with."""
    states = [learner.optimizer.state.get(parameter, {}) for parameter in learner.model.parameters()]
    memory = {}
    for name in learner.rule.memory:
        known = [state[name].flatten() for state in states if state.get(name) is not None]
        memory[name] = torch.cat(known).clone() if len(known) == len(states) else torch.zeros_like(weights)
    for name, first in learner.rule.tallies.items():
        memory[name] = torch.tensor([float(states[0].get(name, first))], dtype=torch.float64, device=weights.device)
    return memory
