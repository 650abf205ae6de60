"""Checks that models train together as each does alone, by training a few of them both ways.

Two steps with real examples and an evaluation, alone and as one batched model, in both orders: the outputs, the
gradients and every tensor afterwards have to be the same. What a model draws at random is drawn alike on both sides.
Numbers that layers keep may differ among the models where all this is so with other ones in each.
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from torch import nn

from tuner.objectives.architectures._layers import Batchable
from tuner.objectives.training.batching_attempt import Attempt
from tuner.objectives.training.batching_exercise import MEMBERS, Exercise
from tuner.objectives.training.batching_obstacles import obstacles_of
from tuner.objectives.training.batching_proof import Example, Proof
from tuner.objectives.training.faulty_layer import said
from tuner.objectives.training.flat_state import share_still
from tuner.objectives.training.layer_attributes import kinds, numbers, other_numbers, put
from tuner.objectives.training.model_fingerprint import Place
from tuner.objectives.training.model_signature import read
from tuner.objectives.training.seeding import undisturbed
from tuner.objectives.training.tensor_comparison import tensors_of

_MOST_KEPT = 1 << 22
"""How many weights a model may have of which an example is kept, to compare those of other configurations with."""

Build = Callable[[int], nn.Module]
"""Returns a model with weights of its own for every seed."""


def prove(build: Build, exercise: Exercise, columns: Collection[Place] | None = None) -> Proof:
    """Return whether the models that `build` makes, all of one shape, train together as alone.

    `columns` are the numbers that they may differ in; None: as many as can be, which the layout has. Raises whatever
    building or training one of them alone raises.
    """
    with undisturbed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = _built(build)
        obstacle = next(obstacles_of(models), None)
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
        attempt = Attempt(_varied(models or _built(build), columns), exercise, columns)
        found = attempt.result()
        if found.obstacle is not None and attempt.draws:
            silent = Attempt([_quiet(model) for model in _varied(_built(build), columns)], exercise, columns)
            quiet = silent.result()
            if columns and (quiet.obstacle is None or silent.draws):
                # What stands in for torch's dropout draws in another way: alone it has to draw as together. What does
                # not draw was compared with numbers, as far as it can be silenced.
                alike = Attempt(_varied(_built(build), columns), exercise, columns, stands_in=True).result()
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


def _built(build: Build) -> list[nn.Module]:
    models: list[nn.Module] = []
    for seed in range(MEMBERS):
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
    small = sum(tensor.numel() for _, tensor in tensors_of(model)) <= _MOST_KEPT
    return Example.of(made_comparable(model), read(model)(exercise.seen.clone()), columns) if small else None


def _quiet(model: nn.Module) -> nn.Module:
    """Return the model without dropout."""
    for layer in model.modules():
        if "Dropout" in type(layer).__name__ and isinstance(getattr(layer, "p", None), float):
            layer.p = 0.0  # type: ignore[assignment]
        if isinstance(layer, nn.MultiheadAttention):
            layer.dropout = 0.0
    return model
