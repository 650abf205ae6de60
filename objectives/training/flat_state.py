"""One trial's row of a stacked model: its training state as flat tensors, and the tensors that stay fixed."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.objectives.optimizers._optimizer import Family, TensorKind, TensorPart, TensorRole
from tuner.objectives.training.layer_attributes import Place, numbers
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.weights import fleeting, own_tensors


@final
@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the tensors of a model lie in its row: the same for all models of one shape.

    A complex number is two weights.
    """

    shapes: Mapping[str, torch.Size]
    """The trained parameters', by name and in order; of those in `pairs` with a last dimension of 2."""
    pairs: frozenset[str]
    """The names of complex parameters."""
    places: tuple[int, ...]
    """Where an optimizer of all parameters counts the trained ones."""
    names: Mapping[str, str]
    """Every name that a layer has for a tensor, and its first one: two layers may share a tensor."""
    lasting: tuple[str, ...]
    """The names in the model's state dict."""
    fleeting: tuple[str, ...]
    """The names of buffers that are in no state dict and change all the same."""
    shares_inputs: bool = True
    """Whether models can be given the same tensor; else each gets its own copy."""
    columns: frozenset[Place] = frozenset()
    """The numbers of layers that each model has its own of."""
    roles: Mapping[str, TensorRole] = field(default_factory=dict)
    """What trained parameters are, by name, where optimizers are to tell them apart."""
    keeps_busy: bool = False
    """Whether a model computes with so much at once that it keeps a processor busy alone, whatever its weights."""

    @staticmethod
    def of(
        model: nn.Module,
        unused: Collection[str] = (),
        *,
        shares_inputs: bool = True,
        columns: Collection[Place] = (),
        roles: Mapping[str, TensorRole] = MappingProxyType({}),
    ) -> "Layout":
        """Return the layout of this model and all others of its shape.

        Trained is what asks for gradients, but for the parameters of which it is known that they are `unused`.
        """
        trained = [
            (place, name, parameter)
            for place, (name, parameter) in enumerate(model.named_parameters())
            if parameter.requires_grad and name not in unused
        ]
        names = dict(_names(model))
        return Layout(
            shapes={name: _real(parameter).shape for _, name, parameter in trained},
            pairs=frozenset(name for _, name, parameter in trained if parameter.is_complex()),
            places=tuple(place for place, *_ in trained),
            names=names,
            lasting=tuple(model.state_dict()),
            fleeting=tuple(fleeting(model)),
            shares_inputs=shares_inputs,
            columns=frozenset(columns),
            roles=roles,
        )

    @cached_property
    def tensors(self) -> tuple[TensorPart, ...]:
        """The trained parameters as optimizers see them in a row."""
        begins = accumulate(self.sizes, initial=0)
        return tuple(
            TensorPart(begin=begin, shape=tuple(shape), kind=self._kind(name))
            for begin, (name, shape) in zip(begins, self.shapes.items(), strict=False)
        )

    def _kind(self, name: str) -> TensorKind:
        if name in self.roles:
            return self.roles[name].kind
        is_matrix = len(self.shapes[name]) > 1 and name not in self.pairs
        return TensorKind.HIDDEN if is_matrix else TensorKind.VECTOR

    def scale(self, family: Family) -> Tensor | None:
        """Return what each weight's learning rate is multiplied with, (1, weights); None where all have the same."""
        rates = [self.roles[name].rate(family) if name in self.roles else 1.0 for name in self.shapes]
        if all(rate == 1 for rate in rates):
            return None
        return torch.tensor(rates).repeat_interleave(torch.tensor(self.sizes))[None]

    @property
    def sizes(self) -> list[int]:
        """How many weights each trained parameter has."""
        return [shape.numel() for shape in self.shapes.values()]

    def parts(self, weights: Tensor) -> dict[str, Tensor]:
        """Return views of (..., weights) by name, (..., *shape) each."""
        parts = torch.split(weights, self.sizes, dim=-1)
        lead = weights.shape[:-1]
        return {name: part.view(lead + shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def whole(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the parts as the model knows them: pairs as complex numbers."""
        return {
            name: torch.complex(part[..., 0], part[..., 1]) if name in self.pairs else part
            for name, part in parts.items()
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FlatState:
    """A model's trained weights (weights,), its other tensors and its numbers, and what its optimizer remembers."""

    weights: Tensor
    still: Mapping[str, Tensor]
    """The parameters that training leaves as they are."""
    buffers: Mapping[str, Tensor]
    memory: Mapping[str, Tensor]
    """What is remembered of every weight, (weights,) each."""
    tallies: Mapping[str, Tensor]
    """What is remembered once, (1,) each."""
    columns: Mapping[Place, float]
    """The numbers of its layers that others may have other ones of: its configuration's, and no state."""

    @staticmethod
    def of(learner: TrainState, layout: Layout) -> "FlatState":
        """Return the learner's row, which shares no memory with it but for what training leaves as it is."""
        row = FlatState.of_model(learner.model, layout)
        memory, tallies = _remembered(learner, layout, row.weights)
        return replace(row, memory=memory, tallies=tallies)

    @staticmethod
    def of_model(model: nn.Module, layout: Layout) -> "FlatState":
        """Return the row of a model that no optimizer has to do with."""
        parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
        return FlatState(
            weights=torch.cat([_real(parameters[name]).flatten() for name in layout.shapes]),
            still={name: tensor for name, tensor in parameters.items() if name not in layout.shapes},
            buffers={name: buffer.detach().clone() for name, buffer in model.named_buffers()},
            memory={},
            tallies={},
            columns={place: number for place, number in numbers(model).items() if place in layout.columns},
        )

    def clone(self) -> "FlatState":
        """Return a copy that shares no memory with this one but for what training leaves as it is."""
        return FlatState(
            weights=self.weights.clone(),
            still=self.still,
            buffers={name: buffer.clone() for name, buffer in self.buffers.items()},
            memory={name: each.clone() for name, each in self.memory.items()},
            tallies={name: each.clone() for name, each in self.tallies.items()},
            columns=self.columns,
        )

    def state(self, layout: Layout) -> dict[str, Any]:
        """Return what is saved of a trial, as if it had been trained alone."""
        named = {**layout.whole(layout.parts(self.weights)), **self.still, **self.buffers}
        kept = {name: named[name].clone() for name in layout.fleeting}
        return {
            "model": {name: named[layout.names[name]].clone() for name in layout.lasting},
            "optimizer": self._optimizer_state(layout),
            **({"buffers": kept} if kept else {}),
        }

    def _optimizer_state(self, layout: Layout) -> dict[int, dict[str, Tensor]]:
        if not self.memory and not self.tallies:
            return {}
        state: dict[int, dict[str, Tensor]] = {place: {} for place in layout.places}
        for name, each in self.memory.items():
            for place, part in zip(layout.places, layout.whole(layout.parts(each)).values(), strict=True):
                state[place][name] = part.clone()
        for name, each in self.tallies.items():
            for place in layout.places:
                state[place][name] = each[0].float()
        return state


def share_still(first: nn.Module, other: nn.Module) -> None:
    """Let a model hold the tensors that another one does not train either where they are equal, in place of its own."""
    known = {name: parameter for name, parameter in first.named_parameters() if not parameter.requires_grad}
    for name, parameter in other.named_parameters():
        same = known.get(name)
        if same is not None and not parameter.requires_grad and torch.equal(same, parameter):
            parameter.data = same.data


def _names(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield every name that a layer has for a parameter or buffer, with the first name of that tensor."""
    first: dict[int, str] = {}
    for prefix, layer in model.named_modules(remove_duplicate=False):
        for key, tensor in own_tensors(layer):
            name = f"{prefix}.{key}" if prefix else key
            yield name, first.setdefault(id(tensor), name)


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _remembered(learner: TrainState, layout: Layout, weights: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what the learner's optimizer remembers, and before its first step what it begins with."""
    parameters = dict(learner.model.named_parameters())
    states = [learner.optimizer_memory.get(parameters[name], {}) for name in layout.shapes]
    memory = {}
    for name in learner.rule.memory:
        parts = [
            torch.zeros_like(part).flatten() if state.get(name) is None else _real(state[name]).flatten()
            for state, part in zip(states, layout.parts(weights).values(), strict=True)
        ]
        memory[name] = torch.cat(parts).clone()
    tallies = {
        name: torch.tensor([float(states[0].get(name, first))], dtype=torch.float64, device=weights.device)
        for name, first in learner.rule.tallies.items()
    }
    return memory, tallies
