"""A network's weights as everybody reads them: a safetensors file with the names that they have in the network."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tuner.objectives.architectures._layers import Batchable


def save(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write the tensors, each by itself: two names of one tensor become two tensors."""
    alone = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    save_file(alone, path, metadata={"format": "pt"})


def load(path: Path) -> dict[str, Tensor]:
    """Return the tensors by name; raises `ValueError` where the file is damaged."""
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def fleeting(model: nn.Module) -> dict[str, Tensor]:
    """Return the buffers by name that are in no state dict, but for those that are a configuration's numbers."""
    return {name: tensor for name, tensor, _ in _fleeting(model)}


def put_back(model: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    """Give a model the values of what `fleeting` returned."""
    for name, tensor, owner in _fleeting(model):
        if name in buffers:
            setattr(owner, name.rpartition(".")[2], buffers[name].to(tensor.device).clone())


def own_tensors(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield a layer's own parameters and buffers, by every name that it has for them."""
    yield from layer.named_parameters(recurse=False, remove_duplicate=False)
    yield from layer.named_buffers(recurse=False, remove_duplicate=False)


def _fleeting(model: nn.Module) -> Iterator[tuple[str, Tensor, nn.Module]]:
    for prefix, layer in model.named_modules():
        if not isinstance(layer, Batchable):
            hidden = vars(layer)["_non_persistent_buffers_set"]
            for key, tensor in layer.named_buffers(recurse=False):
                if key in hidden:
                    yield f"{prefix}.{key}" if prefix else key, tensor, layer
