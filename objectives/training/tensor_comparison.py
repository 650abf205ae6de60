"""Comparison of tensors up to rounding."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

NEAR = 1e-3
"""How far a tensor may be from the same one alone, as a share of its largest value."""


_NOISE = 1e-5
"""The same as a share of the largest value among all tensors of the kind: what should be 0 is noise of this size."""


def are_near(ones: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Whether all tensors of the second are near those of the same names in the first."""
    pairs = [(ones[name], other) for name, other in others.items() if name in ones]
    most = max((largest(one) for one, _ in pairs), default=0.0)
    return all(is_near(one, other, NEAR * largest(one) + _NOISE * most) for one, other in pairs)


def is_near(one: Tensor, other: Tensor, tolerance: float) -> bool:
    """Whether no finite element differs by more than `tolerance`; integers must be equal, and so must gaps."""
    if one.shape != other.shape:
        return False
    if not (one.is_floating_point() or one.is_complex()):
        return torch.equal(one, other)
    if not one.numel() or float((one - other).abs().max()) <= tolerance:
        return True
    same_gaps = torch.equal(torch.isfinite(one), torch.isfinite(other))
    gap = (one - other).abs()
    return same_gaps and bool((gap[torch.isfinite(gap)] <= tolerance).all())


def largest(tensor: Tensor) -> float:
    """Return the largest finite magnitude; 0 for integers and empty tensors."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return 0.0
    if not tensor.numel():
        return 0.0
    sizes = tensor.detach().abs()
    if math.isfinite(most := float(sizes.max())):
        return most
    finite = sizes[torch.isfinite(sizes)]
    return float(finite.max()) if len(finite) else 0.0


def tensors_of(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters and buffers of a model with their names."""
    yield from model.named_parameters()
    yield from model.named_buffers()
