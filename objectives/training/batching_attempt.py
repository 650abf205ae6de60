"""A few steps of the same training, each model alone and all as one, and which result differs."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.objectives.training.batched_loss import BatchLoss
from tuner.objectives.training.batching_exercise import STEPS, Exercise
from tuner.objectives.training.batching_proof import Proof
from tuner.objectives.training.faulty_layer import culprit, drawing_layer, said
from tuner.objectives.training.flat_state import FlatState, Layout
from tuner.objectives.training.layer_attributes import as_columns
from tuner.objectives.training.loop import forwarded
from tuner.objectives.training.model_fingerprint import Place, difference, layer_in_words, traits_of
from tuner.objectives.training.model_signature import check_outputs, read
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.seeding import OwnGenerators, drawn_elsewhere, seed_step
from tuner.objectives.training.stacked_model import StackedModel, gradients
from tuner.objectives.training.tensor_comparison import NEAR, are_near, is_near, largest, tensors_of

_STEP = 0.02
"""How far a step goes, as a share of the length of all weights."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Trained:
    """What training of one model came to."""

    outputs: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    answers: Mapping[str, Tensor]


@final
class Attempt:
    """The same training, alone and together: alone with columns in place of numbers too where one `stands_in`."""

    def __init__(
        self, models: Sequence[nn.Module], exercise: Exercise, columns: Collection[Place], *, stands_in: bool = False
    ) -> None:
        self._models = models
        self._exercise = exercise
        self._columns = columns
        self._stands_in = stands_in
        self._losses = exercise.losses()
        self._batches = [exercise.batches(member) for member in range(len(models))]
        self._lrs: list[float] = []
        self._read = read(models[0])
        self._own_generators = OwnGenerators()
        self._reseeds = False
        self.draws = False
        """Whether the models draw random numbers as they train."""

    def result(self) -> Proof:
        """Train both ways and return what was found."""
        models = self._models
        traits, elsewhere, versions = traits_of(models[0]), drawn_elsewhere(), _versions(models[0])
        every = Layout.of(models[0], columns=self._columns)
        rows = [FlatState.of_model(model, every) for model in models]
        alone = [self._alone(member) for member in range(len(models))]
        used = [_steps_used(trained, every) for trained in alone]
        obstacle = self._of_training_alone(traits, elsewhere, versions) or _of_use(used)
        if obstacle is not None:
            return Proof(obstacle=obstacle)
        unused = frozenset(name for name, steps in used[0].items() if not steps)
        for shares_inputs in (True, False):
            layout = Layout.of(models[0], unused, shares_inputs=shares_inputs, columns=self._columns)
            obstacle = self._obstacle(layout, [_narrowed(row, every, layout) for row in rows], alone)
            if obstacle is None:
                return Proof(layout=layout)
        return Proof(obstacle=obstacle)

    def _of_training_alone(
        self, traits: Mapping[Place, str], elsewhere: tuple[Any, Any], versions: Mapping[str, int]
    ) -> str | None:
        """Return what training has changed that no batch has a row for, or drawn where it draws once for all."""
        model = self._models[0]
        if drawn_elsewhere() != elsewhere:
            name = drawing_layer(model, self._inputs(0), drawn_elsewhere)
            return f"{name} draws from Python's or NumPy's generator, once for all that train together"
        if self._own_generators.count or self._reseeds:
            with self._own_generators:
                name = drawing_layer(model, self._inputs(0), lambda: (self._own_generators.count, torch.initial_seed()))
            return f"{name} seeds what it draws itself, once for all that train together"
        if (place := difference(traits, traits_of(model))) is not None:
            return f"{place} that changes as it trains"
        if (changed := _changed(versions, model)) is not None:
            return f"{layer_in_words(changed)} asks for no gradient and is changed all the same"
        return None

    def _alone(self, member: int) -> _Trained:
        model, loss, exercise = self._models[member], self._losses[member], self._exercise
        outputs, found = {}, {}
        for step, (features, targets) in enumerate(self._batches[member]):
            model.train()
            model.zero_grad()
            seed_step(0, step, exercise.device)
            before, seed = torch.get_rng_state(), torch.initial_seed()
            with as_columns(model, self._columns) if self._stands_in else nullcontext(), self._own_generators:
                answer = forwarded(model, features.clone(), Precision.FLOAT32, self._read)
            self.draws |= not torch.equal(before, torch.get_rng_state())
            self._reseeds |= torch.initial_seed() != seed
            check_outputs(answer.shape[1], exercise.task, exercise.classes)
            loss(answer, targets).mean().backward()  # type: ignore[no-untyped-call]
            outputs[f"step {step}"] = answer.detach()
            for name, parameter in model.named_parameters():
                if parameter.grad is not None and parameter.requires_grad:
                    found[f"{step} {name}"] = parameter.grad.to_dense().detach().clone()
            if step == 0:
                self._lrs.append(_lr(model))
            self._step(model, self._lrs[member])
        model.eval()
        with torch.no_grad(), self._own_generators:
            answers = forwarded(model, exercise.seen.clone(), Precision.FLOAT32, self._read)
        state = {name: tensor.detach().clone() for name, tensor in tensors_of(model) if tensor.requires_grad}
        state.update({name: tensor.detach().clone() for name, tensor in model.named_buffers()})
        return _Trained(outputs=outputs, gradients=found, state=state, answers={"": answers})

    @staticmethod
    def _step(model: nn.Module, lr: float) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None and parameter.requires_grad:
                    parameter.sub_(parameter.grad.to_dense(), alpha=lr)

    def _obstacle(self, layout: Layout, rows: Sequence[FlatState], alone: Sequence[_Trained]) -> str | None:
        """Return what goes wrong together, and in which layer; None where all is as it is alone."""
        members = range(len(rows))
        try:
            for places in (members, members[::-1]):
                together = self._together(layout, rows, places)
                for member, trained in zip(places, together, strict=True):
                    if (what := _differing(alone[member], trained)) is not None:
                        return self._worded(f"together {what} not what it is alone")
            if (what := self._draw_differently(layout, rows)) is not None:
                return self._worded(what)
        except Exception as error:  # noqa: BLE001 - whatever torch, or a person's model, cannot do for many at once
            return self._worded(said(error))
        return None

    def _together(self, layout: Layout, rows: Sequence[FlatState], places: Sequence[int]) -> list[_Trained]:
        exercise, everyone = self._exercise, slice(0, len(rows))
        stack = StackedModel(self._models[0], layout, [rows[member].clone() for member in places])
        leaves = stack.leaves(everyone)
        device = stack.weights.device
        lrs = torch.tensor([self._lrs[member] for member in places], dtype=stack.weights.dtype, device=device)
        loss = BatchLoss([self._losses[member] for member in places], [None] * len(rows), device)
        outputs: list[dict[str, Tensor]] = [{} for _ in places]
        found: list[dict[str, Tensor]] = [{} for _ in places]
        for step in range(STEPS):
            inputs, targets = (
                torch.stack([self._batches[member][step][part] for member in places]) for part in range(2)
            )
            seed_step(0, step, exercise.device)
            answer = stack.forward(leaves, everyone, inputs, training=True, randomness="same")
            gradient = gradients(loss(answer, targets), leaves)
            for row in range(len(rows)):
                outputs[row][f"step {step}"] = answer[row].detach()
                parts = layout.whole(layout.parts(gradient[row]))
                found[row].update({f"{step} {name}": part.clone() for name, part in parts.items()})
            stack.weights.sub_(gradient * lrs[:, None])
        with torch.no_grad():
            weights, seen = layout.parts(stack.weights), exercise.seen.clone()
            answers = stack.forward(weights, everyone, seen, training=False, shared=True, randomness="same")
        return [
            _Trained(
                outputs=outputs[row],
                gradients=found[row],
                state=_state(stack, row),
                answers={"": answers[row]},
            )
            for row in range(len(rows))
        ]

    def _draw_differently(self, layout: Layout, rows: Sequence[FlatState]) -> str | None:
        """Let the models draw as they will: torch has no rule for some ways to do so.

        Returns what is wrong where they leave torch's generator as it was, and equal models answer differently.
        """
        everyone = slice(0, len(rows))
        stack = StackedModel(
            self._models[0], layout, [row.clone() for row in (rows if self.draws else [rows[0]] * len(rows))]
        )
        leaves, shown = stack.leaves(everyone), self._batches if self.draws else [self._batches[0]] * len(rows)
        inputs, targets = (torch.stack([batches[0][part] for batches in shown]) for part in range(2))
        answer = stack.forward(leaves, everyone, inputs, training=True)
        gradients(BatchLoss(self._losses, [None] * len(rows), stack.weights.device)(answer, targets), leaves)
        with torch.no_grad():
            weights, seen = layout.parts(stack.weights), self._exercise.seen.clone()
            stack.forward(weights, everyone, seen, training=False, shared=True)
        if self.draws or all(is_near(answer[0].detach(), each, NEAR * largest(answer[0])) for each in answer.detach()):
            return None
        return "each of several equal models draws something else"

    def _worded(self, what: str) -> str:
        """Return the reason with the innermost layer that shows it; with columns it is not searched for."""
        if self._columns:
            return what
        inputs = [self._inputs(member) for member in range(len(self._models))]
        found = culprit(self._models, inputs, partial(seed_step, 0, 0, self._exercise.device))
        if found is None:
            return f"the model cannot be run for many trials at once: {what}"
        name, kind, reason = found
        return f"{layer_in_words(name)} ({kind}) cannot be run for many trials at once: {reason or what}"

    def _inputs(self, member: int) -> Tensor:
        return self._read(self._batches[member][0][0].clone())


def _lr(model: nn.Module) -> float:
    """Return the rate at which the gradients that a model has make a small step."""
    pairs = [(each, each.grad) for each in model.parameters() if each.grad is not None and each.requires_grad]
    weights = sum(float(each.detach().abs().square().sum()) for each, _ in pairs) ** 0.5
    slope = sum(float(grad.to_dense().abs().square().sum()) for _, grad in pairs) ** 0.5
    return _STEP * weights / slope if slope > 0 and slope < float("inf") else 0.0


def _steps_used(trained: _Trained, layout: Layout) -> Mapping[str, int]:
    """Return in how many steps each parameter has got a gradient."""
    steps = range(STEPS)
    return {name: sum(f"{step} {name}" in trained.gradients for step in steps) for name in layout.shapes}


def _of_use(used: Sequence[Mapping[str, int]]) -> str | None:
    """Return that a parameter is used by some members, or in some steps, and not by others."""
    for name in used[0]:
        if {each[name] for each in used} not in ({0}, {STEPS}):
            return f"{layer_in_words(name.rpartition('.')[0])} is used in some steps alone"
    return None if any(used[0].values()) else "nothing in it gets a gradient"


def _versions(model: nn.Module) -> Mapping[str, int]:
    still = (each for each in model.named_parameters() if not each[1].requires_grad)
    return {name: parameter._version for name, parameter in still}  # noqa: SLF001 - torch has no other way to ask


def _changed(versions: Mapping[str, int], model: nn.Module) -> str | None:
    now = _versions(model)
    return next((name.rpartition(".")[0] for name in versions if now.get(name) != versions[name]), None)


def _narrowed(row: FlatState, every: Layout, layout: Layout) -> FlatState:
    """Return the row of a layout in which more parameters are left as they are."""
    parts = every.parts(row.weights)
    rest = every.whole({name: part for name, part in parts.items() if name not in layout.shapes})
    weights = torch.cat([parts[name].flatten() for name in layout.shapes])
    return replace(row, weights=weights, still={**row.still, **rest})


def _state(stack: StackedModel, row: int) -> dict[str, Tensor]:
    """Return all that may have changed in a row, by name."""
    _, buffers = stack.rest(row)
    weights = stack.layout.whole(stack.layout.parts(stack.weights[row].clone()))
    return {**weights, **{name: buffer.clone() for name, buffer in buffers.items()}}


def _differing(alone: _Trained, together: _Trained) -> str | None:
    """Return which result is not the same, in words; None where all are."""
    if not are_near(alone.outputs, together.outputs):
        return "what it answers in training is"
    if not are_near(alone.gradients, together.gradients):
        return "its gradient is"
    if not are_near(alone.state, together.state):
        return "what a step leaves behind is"
    return None if are_near(alone.answers, together.answers) else "what it answers in evaluation is"
