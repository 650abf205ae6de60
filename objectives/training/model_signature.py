"""Signature of a user's model: shapes and types of its inputs, outputs and targets."""

import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task

_VECTORS = 1
_ROWS = 2


def read(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what makes inputs ones that the model can read: real numbers in its own precision.

    Whole numbers stay what they are, and so does everything where a model computes in several precisions.
    """
    kinds = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    only = kinds.pop() if len(kinds) == 1 else None

    def converted(inputs: Tensor) -> Tensor:
        return inputs.to(only) if only is not None and inputs.is_floating_point() else inputs

    return converted


def complete(model: nn.Module, inputs: Tensor) -> nn.Module:
    """Return the model with all its tensors: lazy layers find out their sizes by two examples.

    Raises `ConfigurationError` where it has nothing to train.
    """
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        with torch.no_grad():
            model.eval()(read(model)(inputs[:2].clone()))
        model.train()
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigurationError("the model has nothing to train: no parameter of it asks for gradients")
    return model


def innermost_layer(model: nn.Module, error: BaseException) -> str:
    """Return, in words, the layer in which a model has raised an exception."""
    names = {id(layer): name for name, layer in model.named_modules()}
    met = (frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__))
    inside = [layer for layer in met if id(layer) in names]
    if not inside or not names[id(inside[-1])]:
        return f"the forward pass ({type(model).__name__})"
    return f"layer {names[id(inside[-1])]!r} ({type(inside[-1]).__name__})"


def answered(outputs: Any, batch: int, *, behind: int = 0) -> Tensor:
    """Return what a model answered as (batch, outputs), `behind` so many dimensions, in 32 bits.

    (batch,) is one output each. Raises `ConfigurationError` with what is wanted where it is anything else.
    """
    if not isinstance(outputs, Tensor):
        kind = type(outputs).__name__
        raise ConfigurationError(f"the model answers a {kind}; wanted is one tensor of the shape (batch, outputs)")
    if outputs.is_complex():
        raise ConfigurationError("the model answers complex numbers; wanted are real ones, such as outputs.abs()")
    shape = tuple(outputs.shape[behind:])
    if shape == (batch,):
        outputs = outputs[..., None]
    elif len(shape) != _ROWS or shape[0] != batch:
        raise ConfigurationError(
            f"the model answers the shape {shape} for {batch} examples; wanted is (batch, outputs), here ({batch}, ...)"
        )
    rows: Tensor = outputs.float()
    return rows


def check_outputs(outputs: int, task: Task, known: int) -> None:
    """Raise `ConfigurationError` where a model does not have the outputs that the targets ask for.

    `known` is how many classes there are; a model may have outputs for more. Values are one output.
    """
    if task is Task.REGRESSION and outputs != 1:
        raise ConfigurationError(f"the model answers {outputs} outputs; wanted is one value each: (batch, 1)")
    if task is Task.CLASSIFICATION and outputs < known:
        highest = known - 1
        raise ConfigurationError(
            f"the model answers {outputs} outputs, and the targets hold classes up to {highest}; wanted is an output "
            f"for each class, counted from 0: (batch, {known})"
        )


def as_targets(targets: Tensor, inputs: Tensor, task: Task, split: str) -> Tensor:
    """Return targets as training takes them: (examples,), whole numbers from 0 or 32-bit values.

    (examples, 1) is the same. Raises `ConfigurationError` with what is wanted where they can be anything else.
    """
    where = f"examples({split!r})"
    if not len(inputs):
        raise ConfigurationError(f"{where} gave no examples")
    if targets.dim() == _ROWS and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.dim() != _VECTORS or len(targets) != len(inputs):
        wanted = "a class" if task is Task.CLASSIFICATION else "a value"
        raise ConfigurationError(
            f"{where} gave targets of the shape {tuple(targets.shape)} for {len(inputs)} inputs; wanted is {wanted} "
            f"for each: ({len(inputs)},)"
        )
    if targets.is_complex():
        raise ConfigurationError(f"{where} gave complex targets; wanted are real numbers")
    return _as_values(targets, where) if task is Task.REGRESSION else _as_classes(targets, where)


def _as_values(targets: Tensor, where: str) -> Tensor:
    values = targets.float()
    if not bool(torch.isfinite(values).all()):
        raise ConfigurationError(f"{where} gave targets that are not finite in 32 bits; leave those examples out")
    return values


def _as_classes(targets: Tensor, where: str) -> Tensor:
    classes = targets.long()
    if targets.is_floating_point() and not torch.equal(classes.to(targets.dtype), targets):
        raise ConfigurationError(
            f"{where} gave targets of {targets.dtype} with fractions; wanted are classes, whole numbers from 0 "
            "(for values: task = Task.REGRESSION)"
        )
    if int(classes.min()) < 0:
        raise ConfigurationError(
            f"{where} gave the class {int(classes.min())}; wanted are whole numbers from 0, so leave out what has none"
        )
    return classes
