"""A network's weights as everybody reads them: a safetensors file with the names that they have in the network."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor


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
