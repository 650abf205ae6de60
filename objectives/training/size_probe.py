"""Some steps of training that are measured: how large activations get, what they hold, and what a step takes."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from tuner.domain.size_probe import SizeProbe
from tuner.objectives.training.data import Data
from tuner.objectives.training.loop import TrainState, batched, gathered, outputs_of, take_step


def probed(learner: TrainState, data: Data, layers: Mapping[str, nn.Module], *, seed: int, steps: int) -> SizeProbe:
    """Train a fresh learner for so many steps at the rate that its optimizer has, and return what is seen.

    `layers` are those whose outputs are looked at, for the first examples that validate. A schedule is left out: in the
    first steps of a warm-up nothing would happen.
    """
    order = data.train.order(seed, 0, learner.batch_size, torch.Generator().manual_seed(seed))
    places = batched(order.to(data.train.device), learner.batch_size, dim=0)[:steps]
    for group in learner.optimizer.param_groups:
        group["lr"] = learner.rule.lr * group.get("rate", 1.0)
    before = _spreads(learner, data, layers)
    step_bytes, seconds = 0, []
    for features, targets in gathered(data.train, places):
        step_bytes = step_bytes or _step_bytes(learner, features)
        began = _moment(features.device)
        take_step(learner, features, targets, len(features))
        seconds.append(_moment(features.device) - began)
    after = _spreads(learner, data, layers)
    return SizeProbe(
        weights=sum(each.numel() for each in learner.model.parameters()),
        epoch_steps=len(order) // learner.batch_size,
        state_bytes=_state_bytes(learner),
        step_bytes=step_bytes,
        seconds=median(seconds),
        activations={name: (before[name], after[name]) for name in layers},
    )


def _moment(device: torch.device) -> float:
    """Return the time in seconds at which a device has done what it was given: a GPU computes behind the program."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _step_bytes(learner: TrainState, features: Tensor) -> int:
    """Return what is held for the gradients of what goes through the model at once, each piece of memory once."""
    weights = {each.untyped_storage().data_ptr() for each in learner.model.parameters()}
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    learner.model.train()
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = learner.outputs(features[: learner.micro_batch])
    found = sum(count for place, count in held.items() if place not in weights)
    del outputs  # until here nothing that is held was given back
    return found


def _state_bytes(learner: TrainState) -> int:
    weights = [*learner.model.parameters()]
    states = (each for state in learner.optimizer.state.values() for each in state.values())
    return sum(each.nbytes for each in [*weights, *weights, *(each for each in states if isinstance(each, Tensor))])


def _spreads(learner: TrainState, data: Data, layers: Mapping[str, nn.Module]) -> dict[str, float]:
    """Return the root mean square of what each layer answers to the first examples that validate."""
    found: dict[str, float] = {}

    def look(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def keep(_: nn.Module, __: tuple[Tensor, ...], answer: Tensor) -> None:
            found[name] = float(answer.detach().float().square().mean().sqrt())

        return layer.register_forward_hook(keep)

    learner.model.eval()
    features = data.validation.features[: min(data.at_once, learner.batch_size)]
    with torch.no_grad(), ExitStack() as hooks:
        for name, layer in layers.items():
            hooks.callback(look(name, layer).remove)
        outputs_of(learner.model, features, learner.precision, learner.reads)
    return found
