"""torch's functions that take only numbers, with columns: the same computation with a number of each row's own.

They are found by what they stand in for, so it does not matter whether a layer of torch's or a person's own `forward`
calls the function.
"""

# ruff: noqa: A002, FBT001, FBT002, PLR0917 - each has the signature of the function that it stands in for

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from tuner.objectives.architectures._layers import dropped_out


@final
class TakingColumns(TorchFunctionMode):
    """Lets functions of torch that take only numbers take columns."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        stand_in = _STAND_INS.get(func)
        if stand_in is not None and any(isinstance(each, Tensor) for each in _numbers_of(func, args, given)):
            return stand_in(*args, **given)
        if stand_in is _attention and len(args) > _DROPOUT_OF_ATTENTION and not _further(*_keys_of(args), given):
            return _attention(*args, **given)
        return func(*args, **given)


def _numbers_of(func: Any, args: tuple[Any, ...], given: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the arguments in whose place torch takes only a number."""
    for place, name in _NUMBERS.get(func, ()):
        yield given[name] if name in given else args[place] if place < len(args) else None


def _kept(input: Tensor, found: Tensor, inplace: bool) -> Tensor:
    """Return what was found, in the place of the input where that is asked for."""
    return input.copy_(found) if inplace else found


def _wide(input: Tensor) -> Tensor:
    """Return the input in 32 bits where it has fewer, in which torch's functions add up as well."""
    return input.float() if input.dtype in (torch.bfloat16, torch.float16) else input


def _dropout(input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    if not isinstance(p, Tensor):
        return functional.dropout(input, p, training, inplace)
    return _kept(input, dropped_out(input, p), inplace) if training else input


def _feature_dropout(input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _dropped_features(input, p, 2, inplace=inplace) if training else input


def _dropout1d(input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    # To torch, two dimensions are the channels of one example: it drops whole rows of (batch, features).
    return _dropped_features(input, p, 2 if input.dim() == len("ncl") else 1, inplace=inplace) if training else input


def _dropout3d(input: Tensor, p: float | Tensor = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return _dropped_features(input, p, 2 if input.dim() == len("ncdhw") else 1, inplace=inplace) if training else input


def _dropped_features(input: Tensor, p: float | Tensor, leading: int, *, inplace: bool) -> Tensor:
    """Drop what has one place in so many leading dimensions together."""
    lead = input.shape[:leading]
    factors = dropped_out(input.new_ones(lead), torch.as_tensor(p)).reshape(lead + (1,) * (input.dim() - leading))
    return _kept(input, input * factors, inplace)


def _leaky_relu(input: Tensor, negative_slope: float | Tensor = 0.01, inplace: bool = False) -> Tensor:
    return _kept(input, torch.where(input > 0, input, input * negative_slope), inplace)


def _elu(input: Tensor, alpha: float | Tensor = 1.0, inplace: bool = False) -> Tensor:
    return _kept(input, torch.where(input > 0, input, alpha * input.clamp(max=0).expm1()), inplace)


def _celu(input: Tensor, alpha: float | Tensor = 1.0, inplace: bool = False) -> Tensor:
    return _kept(input, torch.where(input > 0, input, alpha * (input.clamp(max=0) / alpha).expm1()), inplace)


def _softplus(input: Tensor, beta: float | Tensor = 1.0, threshold: float | Tensor = 20.0) -> Tensor:
    wide = _wide(input)
    scaled = wide * beta
    low = torch.minimum(scaled, 0 * scaled + threshold)
    return torch.where(scaled > threshold, wide, functional.softplus(low) / beta)


def _softshrink(input: Tensor, lambd: float | Tensor = 0.5) -> Tensor:
    return input.sign() * (input.abs() - lambd).clamp(min=0)


def _hardshrink(input: Tensor, lambd: float | Tensor = 0.5) -> Tensor:
    return torch.where(input.abs() > lambd, input, torch.zeros_like(input))


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float | Tensor = 1e-5,
) -> Tensor:
    if not isinstance(eps, Tensor):
        return functional.layer_norm(input, [*normalized_shape], weight, bias, eps)
    wide = _wide(input)
    dims = [*range(-len(normalized_shape), 0)]
    centred = wide - wide.mean(dims, keepdim=True)
    found = centred * (centred.square().mean(dims, keepdim=True) + eps).rsqrt()
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


_DROPOUT_OF_ATTENTION = 10
_OF_ATTENTION = {"training", "attn_mask", "need_weights", "is_causal"}


def _keys_of(args: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    return args[7], args[8], args[9]


def _further(bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, given: Mapping[str, Any]) -> list[str]:
    """Return what else than plain attention is asked for."""
    plain = {"average_attn_weights": True, "use_separate_proj_weight": False}
    asked = [
        name
        for name, each in given.items()
        if name not in _OF_ATTENTION and each is not None and each != plain.get(name)
    ]
    keys = {"bias_k": bias_k is not None, "bias_v": bias_v is not None, "add_zero_attn": add_zero_attn}
    return [*asked, *(name for name, is_asked in keys.items() if is_asked)]


def _attention(
    query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, weight: Tensor, bias: Tensor | None,
    bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float | Tensor,
    out_weight: Tensor, out_bias: Tensor,
    *, training: bool = True, attn_mask: Tensor | None = None, need_weights: bool = True, **others: Any,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attend as torch's `multi_head_attention_forward` does, (steps, batch, width), with a column for the dropout."""
    if further := _further(bias_k, bias_v, add_zero_attn, others):
        raise TypeError(f"attention with {', '.join(further)} takes no column")
    weights, biases = weight.chunk(3), (None,) * 3 if bias is None else bias.chunk(3)
    parts = [functional.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    q, k, v = (part.reshape(*part.shape[:2], heads, -1).permute(1, 2, 0, 3) for part in parts)
    scores = q @ k.transpose(-2, -1) / math.sqrt(width // heads)
    if attn_mask is not None:
        if attn_mask.dim() > 2:  # noqa: PLR2004 - (batch x heads, steps, steps), not (steps, steps)
            attn_mask = attn_mask.reshape(scores.shape)
        scores = scores.masked_fill(attn_mask, -math.inf) if attn_mask.dtype is torch.bool else scores + attn_mask
    shares = _dropout(scores.softmax(dim=-1), dropout_p, training)
    attended = (shares @ v).permute(2, 0, 1, 3).flatten(-2)
    return functional.linear(attended, out_weight, out_bias), shares.mean(dim=1) if need_weights else None


_STAND_INS: Mapping[Any, Callable[..., Any]] = {
    functional.dropout: _dropout,
    functional.dropout1d: _dropout1d,
    functional.dropout2d: _feature_dropout,
    functional.dropout3d: _dropout3d,
    functional.leaky_relu: _leaky_relu,
    functional.elu: _elu,
    functional.celu: _celu,
    functional.softplus: _softplus,
    functional.softshrink: _softshrink,
    functional.hardshrink: _hardshrink,
    functional.layer_norm: _layer_norm,
    functional.multi_head_attention_forward: _attention,
}
"""The same computation, with a column where torch wants a number."""

_NUMBERS: Mapping[Any, tuple[tuple[int, str], ...]] = {
    functional.dropout: ((1, "p"),),
    functional.dropout1d: ((1, "p"),),
    functional.dropout2d: ((1, "p"),),
    functional.dropout3d: ((1, "p"),),
    functional.leaky_relu: ((1, "negative_slope"),),
    functional.elu: ((1, "alpha"),),
    functional.celu: ((1, "alpha"),),
    functional.softplus: ((1, "beta"), (2, "threshold")),
    functional.softshrink: ((1, "lambd"),),
    functional.hardshrink: ((1, "lambd"),),
    functional.layer_norm: ((4, "eps"),),
    functional.multi_head_attention_forward: ((_DROPOUT_OF_ATTENTION, "dropout_p"),),
}
"""Where those functions have their numbers: the place and the name of the argument."""
