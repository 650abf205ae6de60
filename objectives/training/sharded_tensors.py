"""Tensors that are divided among ranks: a model's, and those of a state that any number of processes continues from.

All ranks call these functions, in the same order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import get_world_size
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor


def shard(model: nn.Module, layers: nn.Module, device: torch.device) -> None:
    """Divide a model's weights among the ranks: those of one of its `layers` at a time are whole while it computes."""
    mesh = init_device_mesh(device.type, (get_world_size(),))
    for layer in layers.children():
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)


def whole(state: Any) -> Any:
    """Return a state, a tensor or mappings of them, in which no tensor is divided."""
    if isinstance(state, Mapping):
        return {key: whole(value) for key, value in state.items()}
    return state.full_tensor() if isinstance(state, DTensor) else state


def model_state(state: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
    """Return whole tensors of a model's state divided as the model is."""
    return {name: _divided(state[name], there) for name, there in model.state_dict().items()}


def optimizer_state(
    state: Mapping[int, Mapping[str, Any]], parameters: Iterable[Tensor]
) -> Mapping[int, Mapping[str, Any]]:
    """Return what an optimizer keeps of each parameter divided as the parameter is."""
    numbered = dict(enumerate(parameters))
    return {
        number: {name: _divided(value, numbered[number]) for name, value in kept.items()}
        for number, kept in state.items()
    }


def _divided(value: Any, like: Tensor) -> Any:
    """Return a tensor of the same shape as one that is divided, divided as that is; anything else as it is."""
    if not isinstance(like, DTensor) or not isinstance(value, Tensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
