"""Layers that several architectures share."""

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


def vector_normalisation(name: str, width: int) -> nn.Module:
    """Return the normalisation of (batch, width)."""
    layers: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
    return layers[name](width)


class Rows(nn.Module):
    """Reads an image from top to bottom: (batch, channels, height, width) becomes (batch, height, channels * width)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.transpose(1, 2).flatten(2)


def as_sequence(shape: tuple[int, ...]) -> tuple[nn.Module, int, int]:
    """Return what turns an input of this shape into a sequence, its steps, and the features of each."""
    if len(shape) == 2:  # noqa: PLR2004  steps and features already
        return nn.Identity(), shape[0], shape[1]
    channels, height, width = shape
    return Rows(), height, channels * width
