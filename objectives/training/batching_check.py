"""Whether models train together as each does alone: found out by training a few of them both ways.

Two steps with real examples and an evaluation, alone and as one batched model, in both orders: the outputs, the
gradients and every tensor afterwards have to be the same. What a model draws at random is drawn alike on both sides.
Numbers that layers keep may differ among the models where all this is so with other ones in each.
"""

import math
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast, final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tuner.objectives._tasks import Task
from tuner.objectives.architectures._layers import Batchable
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training.batched import BatchLoss, numbers_of
from tuner.objectives.training.data import Examples
from tuner.objectives.training.faulty_layer import culprit, drawing_layer, said
from tuner.objectives.training.flat_state import Layout, Row, share_still
from tuner.objectives.training.layer_attributes import as_columns, kinds, numbers, other_numbers, put
from tuner.objectives.training.loop import forwarded
from tuner.objectives.training.model_fingerprint import Place, difference, layer_in_words, traits_of
from tuner.objectives.training.model_signature import answered, check_outputs, read
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.seeding import OwnGenerators, drawn_elsewhere, order, seed_step, undisturbed
from tuner.objectives.training.stacked_model import Stack, gradients

_MEMBERS = 3
_STEPS = 2
_LEAST = 12
"""How many examples a step is shown, where the trial's own batch has as many: enough for statistics."""
_NUMBERS = 1 << 16
"""So many numbers at most make a step of more examples than that."""

_NEAR = 1e-3
"""How far a tensor may be from the same one alone, as a share of its largest value."""
_NOISE = 1e-5
"""The same as a share of the largest value among all tensors of the kind: what should be 0 is noise of this size."""
_STEP = 0.02
"""How far a step goes, as a share of the length of all weights."""

_MOST_KEPT = 1 << 22
"""How many weights a model may have of which an example is kept, to compare those of other configurations with."""

Build = Callable[[int], nn.Module]
"""Returns a model with weights of its own for every seed."""


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
        tensors = {name: tensor.detach().clone() for name, tensor in _tensors(model)}
        mine = {place: number for place, number in numbers(model).items() if place in columns}
        return Example(tensors=tensors, columns=mine, inputs=inputs, answers=_answers(model, tensors, inputs))

    def fits(self, model: nn.Module) -> bool:
        """Whether a model, which is used up, answers with these tensors and columns what the other one did."""
        answers = _answers(put(model, self.columns), self.tensors, self.inputs)
        return all(_are_near({"": one}, {"": other}) for one, other in zip(answers, self.answers, strict=True))


@final
@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found out about the models of one shape: why they cannot train together, or how they do."""

    obstacle: str | None = None
    layout: Layout | None = None
    example: Example | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """What models are trained with to find out: a few examples, on the device, and what is asked of a model."""

    loss: Loss
    examples: Examples
    task: Task
    classes: int
    device: str
    batch_size: int
    last_batch: int
    """How many examples the last batch of an epoch has: some models do something else with fewer."""
    varies_loss: bool = True
    """Whether each member's loss has numbers of its own."""

    def batches(self, member: int) -> list[tuple[Tensor, Tensor]]:
        """Return a member's own batches."""
        count = len(self.examples.targets)
        size = min(self.batch_size, count, max(_LEAST, _NUMBERS // max(1, self.examples.features[0].numel())))
        sizes = [size, min(size, self.last_batch)]
        rows = [order(member, step, count)[:shown] for step, shown in enumerate(sizes)]
        return [(self.examples.features[each], self.examples.targets[each]) for each in rows]

    @property
    def seen(self) -> Tensor:
        """The inputs that everybody is evaluated with."""
        return self.examples.features[:_LEAST]

    def losses(self) -> list[Loss]:
        """Return a loss for each member, with other numbers where it has some and they can be others."""
        if not self.varies_loss:
            return [self.loss] * _MEMBERS
        try:
            return [_with_other_numbers(self.loss, 1 - 0.1 * member) for member in range(_MEMBERS)]
        except Exception:  # noqa: BLE001 - a person's loss may refuse numbers that nobody has chosen
            return [self.loss] * _MEMBERS


def prove(build: Build, exercise: Exercise, columns: Collection[Place] | None = None) -> Proof:
    """Return whether the models that `build` makes, all of one shape, train together as alone.

    `columns` are the numbers that they may differ in; None: as many as can be, which the layout has. Raises whatever
    building or training one of them alone raises.
    """
    with undisturbed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = _built(build)
        obstacle = next(_obstacles(models), None)
        if obstacle is not None:
            return Proof(obstacle=obstacle)
        found = _with_most(build, exercise, models) if columns is None else _tried(build, exercise, columns, models)
        if found.layout is None:
            return _of_loss(build, exercise) or found
        return replace(found, example=_example(build(0), exercise, found.layout.columns))


def _of_loss(build: Build, exercise: Exercise) -> Proof | None:
    """Return that the loss is to blame, where all is well with the same one for all members."""
    if len(set(map(repr, exercise.losses()))) == 1:
        return None
    if _tried(build, replace(exercise, varies_loss=False), ()).layout is None:
        return None
    kind = type(exercise.loss).__name__
    return Proof(obstacle=f"the loss {kind} computes something else where its numbers differ from example to example")


def _with_most(build: Build, exercise: Exercise, models: Sequence[nn.Module]) -> Proof:
    """Return the proof with as many columns as the models, which are used up, can have."""
    places = numbers(models[0])
    alike = kinds(models[0], places)
    every = _tried(build, exercise, places, models)
    if every.obstacle is None or not places:
        return every
    best = _tried(build, exercise, ())
    if best.layout is None:
        return best
    for each in alike if len(alike) > 1 else ():
        assert best.layout is not None  # or nothing would be tried
        more = _tried(build, exercise, (*best.layout.columns, *each))
        best = more if more.obstacle is None else best
    return best


def _tried(
    build: Build, exercise: Exercise, columns: Collection[Place], models: Sequence[nn.Module] | None = None
) -> Proof:
    """Return whether models with numbers of their own in these places train together as alone.

    These `models`, which are used up, or others like them.
    """
    try:
        attempt = _Attempt(_varied(models or _built(build), columns), exercise, columns)
        found = attempt.result()
        if found.obstacle is not None and attempt.draws:
            silent = _Attempt([_quiet(model) for model in _varied(_built(build), columns)], exercise, columns)
            quiet = silent.result()
            if columns and (quiet.obstacle is None or silent.draws):
                # What stands in for torch's dropout draws in another way: alone it has to draw as together. What does
                # not draw was compared with numbers, as far as it can be silenced.
                alike = _Attempt(_varied(_built(build), columns), exercise, columns, stands_in=True).result()
                found = alike if alike.obstacle is None else found
            if found.obstacle is not None and quiet.obstacle is None:
                # torch may draw in another order together: then what does not draw has to be the same.
                found = quiet
    except Exception as error:
        if not columns:
            raise
        return Proof(obstacle=f"the model cannot be run for many trials at once: {said(error)}")
    return found


def made_comparable(model: nn.Module) -> nn.Module:
    """Return the model, whose layers that know cohorts compute from now on as they do in one."""
    for layer in model.modules():
        if isinstance(layer, Batchable):
            layer.batched = True
    return model


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Trained:
    """What training of one model came to."""

    outputs: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    answers: Mapping[str, Tensor]


@final
class _Attempt:
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
        rows = [Row.of_model(model, every) for model in models]
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
        state = {name: tensor.detach().clone() for name, tensor in _tensors(model) if tensor.requires_grad}
        state.update({name: tensor.detach().clone() for name, tensor in model.named_buffers()})
        return _Trained(outputs=outputs, gradients=found, state=state, answers={"": answers})

    @staticmethod
    def _step(model: nn.Module, lr: float) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None and parameter.requires_grad:
                    parameter.sub_(parameter.grad.to_dense(), alpha=lr)

    def _obstacle(self, layout: Layout, rows: Sequence[Row], alone: Sequence[_Trained]) -> str | None:
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

    def _together(self, layout: Layout, rows: Sequence[Row], places: Sequence[int]) -> list[_Trained]:
        exercise, everybody = self._exercise, slice(0, len(rows))
        stack = Stack(self._models[0], layout, [rows[member].clone() for member in places])
        leaves = stack.leaves(everybody)
        device = stack.weights.device
        lrs = torch.tensor([self._lrs[member] for member in places], dtype=stack.weights.dtype, device=device)
        loss = BatchLoss([self._losses[member] for member in places], [None] * len(rows), device)
        outputs: list[dict[str, Tensor]] = [{} for _ in places]
        found: list[dict[str, Tensor]] = [{} for _ in places]
        for step in range(_STEPS):
            inputs, targets = (
                torch.stack([self._batches[member][step][part] for member in places]) for part in range(2)
            )
            seed_step(0, step, exercise.device)
            answer = stack.forward(leaves, everybody, inputs, training=True, randomness="same")
            gradient = gradients(loss(answer, targets), leaves)
            for row in range(len(rows)):
                outputs[row][f"step {step}"] = answer[row].detach()
                parts = layout.whole(layout.parts(gradient[row]))
                found[row].update({f"{step} {name}": part.clone() for name, part in parts.items()})
            stack.weights.sub_(gradient * lrs[:, None])
        with torch.no_grad():
            weights, seen = layout.parts(stack.weights), exercise.seen.clone()
            answers = stack.forward(weights, everybody, seen, training=False, shared=True, randomness="same")
        return [
            _Trained(
                outputs=outputs[row],
                gradients=found[row],
                state=_state(stack, row),
                answers={"": answers[row]},
            )
            for row in range(len(rows))
        ]

    def _draw_differently(self, layout: Layout, rows: Sequence[Row]) -> str | None:
        """Let the models draw as they will: torch has no rule for some ways to do so.

        Returns what is wrong where they leave torch's generator as it was, and equal models answer differently.
        """
        everybody = slice(0, len(rows))
        stack = Stack(self._models[0], layout, [row.clone() for row in (rows if self.draws else [rows[0]] * len(rows))])
        leaves, shown = stack.leaves(everybody), self._batches if self.draws else [self._batches[0]] * len(rows)
        inputs, targets = (torch.stack([batches[0][part] for batches in shown]) for part in range(2))
        answer = stack.forward(leaves, everybody, inputs, training=True)
        gradients(BatchLoss(self._losses, [None] * len(rows), stack.weights.device)(answer, targets), leaves)
        with torch.no_grad():
            weights, seen = layout.parts(stack.weights), self._exercise.seen.clone()
            stack.forward(weights, everybody, seen, training=False, shared=True)
        if self.draws or all(
            _is_near(answer[0].detach(), each, _NEAR * _largest(answer[0])) for each in answer.detach()
        ):
            return None
        return "each of several equal models draws something else"

    def _worded(self, what: str) -> str:
        """Return the reason with the innermost layer that shows it; with columns nobody is told."""
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


def _built(build: Build) -> list[nn.Module]:
    models: list[nn.Module] = []
    for seed in range(_MEMBERS):
        models.append(made_comparable(build(seed)))
        share_still(models[0], models[-1])  # a pretrained body is held once
    return models


def _varied(models: Sequence[nn.Module], columns: Collection[Place]) -> Sequence[nn.Module]:
    """Return the models, of which all but the first get other numbers in these places."""
    for place, number in numbers(models[0]).items():
        if place in columns:
            for model, other in zip(models[1:], other_numbers(number), strict=True):
                put(model, {place: other})
    return models


def _example(model: nn.Module, exercise: Exercise, columns: Collection[Place]) -> Example | None:
    small = sum(tensor.numel() for _, tensor in _tensors(model)) <= _MOST_KEPT
    return Example.of(made_comparable(model), read(model)(exercise.seen.clone()), columns) if small else None


def _obstacles(models: Sequence[nn.Module]) -> Iterator[str]:
    """Yield what these models have, or what hangs on their tensors, that a batch does not have."""
    traits = [traits_of(model) for model in models]
    for others in traits[1:]:
        if (place := difference(traits[0], others)) is not None:
            yield f"{place} that is another one each time the model is built"
    model = models[0]
    for prefix, layer in model.named_modules():
        where = layer_in_words(prefix)
        for key, parameter in layer.named_parameters(recurse=False):
            yield from (f"{where} has a parameter {key!r} {problem}" for problem in _of_parameter(parameter))
        for key, buffer in layer.named_buffers(recurse=False):
            if type(buffer) not in _KINDS:
                yield f"{where} has a buffer {key!r} that is a {type(buffer).__name__}, and would become a plain tensor"
    yield from _of_all_tensors(model)


_KINDS = (Tensor, nn.Parameter, nn.Buffer)


def _of_parameter(parameter: Any) -> Iterator[str]:
    if type(parameter) not in _KINDS:
        yield f"that is a {type(parameter).__name__}, and would become a plain tensor"
    if any(getattr(parameter, hooks, None) for hooks in ("_backward_hooks", "_post_accumulate_grad_hooks")):
        yield "with a hook, and together gradients are those of other tensors"
    if parameter.requires_grad and parameter.dtype in (torch.float16, torch.bfloat16, torch.complex32):
        yield f"of {parameter.dtype}, which rounds differently together"


def _of_all_tensors(model: nn.Module) -> Iterator[str]:
    precisions = {parameter.dtype.to_real() for parameter in model.parameters() if parameter.requires_grad}
    if len(precisions) > 1:
        yield f"its parameters have several types: {', '.join(sorted(map(str, precisions)))}"
    owners: dict[int, str] = {}
    for name, tensor in _tensors(model):
        if tensor.numel():
            memory = tensor.untyped_storage().data_ptr()
            if memory in owners:
                yield f"{name!r} shares memory with {owners[memory]!r}"
            owners[memory] = name
    names, known = Layout.of(model).names, dict(_tensors(model))
    for name, tensor in model.state_dict(keep_vars=True).items():
        if name not in names or known.get(names[name]) is not tensor:
            yield f"its state dict has {name!r}, which is none of its parameters and buffers"


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _answers(model: nn.Module, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
    """Return what a model answers with these tensors, as it trains and as it is evaluated."""
    answers = []
    given = {name: tensor.clone() for name, tensor in tensors.items()}
    for training in (True, False):
        model.train(training)
        seed_step(0, 0, str(inputs.device))
        with torch.no_grad():
            answers.append(answered(functional_call(model, given, (inputs.clone(),)), len(inputs)))
    return answers


def _quiet(model: nn.Module) -> nn.Module:
    """Return the model without dropout."""
    for layer in model.modules():
        if "Dropout" in type(layer).__name__ and isinstance(getattr(layer, "p", None), float):
            layer.p = 0.0  # type: ignore[assignment]
        if isinstance(layer, nn.MultiheadAttention):
            layer.dropout = 0.0
    return model


def _with_other_numbers(loss: Loss, factor: float) -> Loss:
    changed: Any = {name: value * factor if value else 1 - factor for name, value in numbers_of(loss).items()}
    return replace(cast("Any", loss), **changed) if changed else loss


def _lr(model: nn.Module) -> float:
    """Return the rate at which the gradients that a model has make a small step."""
    pairs = [(each, each.grad) for each in model.parameters() if each.grad is not None and each.requires_grad]
    weights = sum(float(each.detach().abs().square().sum()) for each, _ in pairs) ** 0.5
    slope = sum(float(grad.to_dense().abs().square().sum()) for _, grad in pairs) ** 0.5
    return _STEP * weights / slope if slope > 0 and slope < float("inf") else 0.0


def _steps_used(trained: _Trained, layout: Layout) -> Mapping[str, int]:
    """Return in how many steps each parameter has got a gradient."""
    steps = range(_STEPS)
    return {name: sum(f"{step} {name}" in trained.gradients for step in steps) for name in layout.shapes}


def _of_use(used: Sequence[Mapping[str, int]]) -> str | None:
    """Return that a parameter is used by some members, or in some steps, and not by others."""
    for name in used[0]:
        if {each[name] for each in used} not in ({0}, {_STEPS}):
            return f"{layer_in_words(name.rpartition('.')[0])} is used in some steps alone"
    return None if any(used[0].values()) else "nothing in it gets a gradient"


def _versions(model: nn.Module) -> Mapping[str, int]:
    still = (each for each in model.named_parameters() if not each[1].requires_grad)
    return {name: parameter._version for name, parameter in still}  # noqa: SLF001 - torch has no other way to ask


def _changed(versions: Mapping[str, int], model: nn.Module) -> str | None:
    now = _versions(model)
    return next((name.rpartition(".")[0] for name in versions if now.get(name) != versions[name]), None)


def _narrowed(row: Row, every: Layout, layout: Layout) -> Row:
    """Return the row of a layout in which more parameters are left as they are."""
    parts = every.parts(row.weights)
    rest = every.whole({name: part for name, part in parts.items() if name not in layout.shapes})
    weights = torch.cat([parts[name].flatten() for name in layout.shapes])
    return replace(row, weights=weights, still={**row.still, **rest})


def _state(stack: Stack, row: int) -> dict[str, Tensor]:
    """Return all that may have changed in a row, by name."""
    _, buffers = stack.rest(row)
    weights = stack.layout.whole(stack.layout.parts(stack.weights[row].clone()))
    return {**weights, **{name: buffer.clone() for name, buffer in buffers.items()}}


def _differing(alone: _Trained, together: _Trained) -> str | None:
    """Return which result is not the same, in words; None where all are."""
    if not _are_near(alone.outputs, together.outputs):
        return "what it answers in training is"
    if not _are_near(alone.gradients, together.gradients):
        return "its gradient is"
    if not _are_near(alone.state, together.state):
        return "what a step leaves behind is"
    return None if _are_near(alone.answers, together.answers) else "what it answers in evaluation is"


def _are_near(ones: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Whether all tensors of the second are near those of the same names in the first."""
    pairs = [(ones[name], other) for name, other in others.items() if name in ones]
    most = max((_largest(one) for one, _ in pairs), default=0.0)
    return all(_is_near(one, other, _NEAR * _largest(one) + _NOISE * most) for one, other in pairs)


def _is_near(one: Tensor, other: Tensor, tolerance: float) -> bool:
    if one.shape != other.shape:
        return False
    if not (one.is_floating_point() or one.is_complex()):
        return torch.equal(one, other)
    if not one.numel() or float((one - other).abs().max()) <= tolerance:
        return True
    same_gaps = torch.equal(torch.isfinite(one), torch.isfinite(other))
    gap = (one - other).abs()
    return same_gaps and bool((gap[torch.isfinite(gap)] <= tolerance).all())


def _largest(tensor: Tensor) -> float:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return 0.0
    if not tensor.numel():
        return 0.0
    sizes = tensor.detach().abs()
    if math.isfinite(most := float(sizes.max())):
        return most
    finite = sizes[torch.isfinite(sizes)]
    return float(finite.max()) if len(finite) else 0.0
