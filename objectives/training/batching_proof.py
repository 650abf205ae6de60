"""Result of the batching check for models of one shape: their layout in a batch, or the obstacle."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.layer_attributes import numbers, put
from tuner.objectives.training.model_fingerprint import Place
from tuner.objectives.training.model_signature import answered
from tuner.objectives.training.seeding import seed_step
from tuner.objectives.training.tensor_comparison import are_near, tensors_of


@final
@dataclass(frozen=True, kw_only=True)
class Example:
    """What one model of a shape answers, and its tensors and columns: every other one with these answers the same.

    If it does not, it computes with something that is neither in its tensors and columns nor in its traits.
    """

    tensors: Mapping[str, Tensor]
    columns: Mapping[Place, float]
    inputs: Tensor
    answers: Sequence[Tensor]

    @staticmethod
    def of(model: nn.Module, inputs: Tensor, columns: Collection[Place]) -> "Example":
        """Return the example that a model gives, which is used up."""
        tensors = {name: tensor.detach().clone() for name, tensor in tensors_of(model)}
        mine = {place: number for place, number in numbers(model).items() if place in columns}
        return Example(tensors=tensors, columns=mine, inputs=inputs, answers=answers_of(model, tensors, inputs))

    def fits(self, model: nn.Module) -> bool:
        """Whether a model, which is used up, answers with these tensors and columns what the other one did."""
        answers = answers_of(put(model, self.columns), self.tensors, self.inputs)
        return all(are_near({"": one}, {"": other}) for one, other in zip(answers, self.answers, strict=True))


@final
@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found out about the models of one shape: why they cannot train together, or how they do."""

    obstacle: str | None = None
    layout: Layout | None = None
    example: Example | None = None


def answers_of(model: nn.Module, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
    """Return what a model answers with these tensors, as it trains and as it is evaluated."""
    answers = []
    given = {name: tensor.clone() for name, tensor in tensors.items()}
    for training in (True, False):
        model.train(training)
        seed_step(0, 0, str(inputs.device))
        with torch.no_grad():
            answers.append(answered(functional_call(model, given, (inputs.clone(),)), len(inputs)))
    return answers
