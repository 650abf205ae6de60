"""Weights of a network as a safetensors file, under the names of its state dict."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tuner.objectives.architectures._layers import Batchable
from tuner.system.untrusted_files import check


@final
class Weights(Mapping[str, Tensor]):
    """The tensors in a file, by name, each read when it is asked for; their shapes are known before."""

    def __init__(self, path: Path) -> None:
        check(path)
        self._path = path
        self._prefix = ""
        try:
            file: Any = safe_open(path, framework="pt")
            self._file = file
            self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged: {error}") from error

    def __getitem__(self, name: str) -> Tensor:
        try:
            tensor: Tensor = self._file.get_tensor(self._prefix + name)
        except SafetensorError as error:
            raise ValueError(f"{self._path} is damaged: {error}") from error
        return tensor

    def below(self, prefix: str) -> "Weights":
        """Return the tensors whose names begin with the prefix, by what follows it."""
        found = object.__new__(Weights)
        found._path, found._file, found._prefix = self._path, self._file, self._prefix + prefix
        inside = [name for name in self.shapes if name.startswith(prefix)]
        found.shapes = {name.removeprefix(prefix): self.shapes[name] for name in inside}
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def save(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write the tensors, each by itself: two names of one tensor become two tensors."""
    alone = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    save_file(alone, path, metadata={"format": "pt"})


def load(path: Path) -> Weights:
    """Return the tensors by name; raises `ValueError` where the file is damaged."""
    return Weights(path)


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
