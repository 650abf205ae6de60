"""Adapted model: a frozen base with adapters of low rank, and the head of a classifier, that are trained.

The base is no tensor of the model. It is held once by all trials of a worker, and in no checkpoint: what is trained of
a trial are its adapters.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Task
from tuner.objectives.adapters.lora import Lora
from tuner.objectives.training.low_rank import Factors, LowRankLayer, OwnLinear
from tuner.objectives.training.many_rows import ManyRows
from tuner.objectives.training.next_token import measured

_Layer = TypeVar("_Layer", bound=nn.Module)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class HeadTensor:
    """A tensor of the head: whose layer's it is, what it is called there, what it begins as; None: drawn anew."""

    layer: str
    key: str
    shape: torch.Size
    first: Tensor | None


@final
class AdaptableBase:
    """A pretrained model, frozen, in evaluation mode, whose linear layers take adapters for one forward pass."""

    def __init__(self, model: nn.Module, *, task: Task, head: Sequence[str] = (), drawn: Sequence[str] = ()) -> None:
        """Take the model apart: `head` names its linear layers that are trained, `drawn` tensors that are not there."""
        self.task = task
        self._model = model.eval().requires_grad_(requires_grad=False)
        self.spread = float(getattr(getattr(model, "config", None), "initializer_range", None) or 0.02)
        self.head = [*_head_tensors(model, head, frozenset(drawn))]
        self.owned: dict[str, OwnLinear] = {name: _replaced(model, name, _own(model, name)) for name in head}
        self.layers: dict[str, LowRankLayer] = {
            name: _replaced(model, name, LowRankLayer(layer, *sizes))
            for name, layer in [*model.named_modules()]
            if (sizes := _sizes(layer)) is not None and not name.startswith(tuple(head) or "\0")
        }

    @property
    def transposed(self) -> bool:
        """Whether its layers keep their weights as (inputs, outputs), as GPT-2 does."""
        return any(type(layer.inner).__name__ == "Conv1D" for layer in self.layers.values())

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    def logits(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Return what it answers to tokens (batch, steps) with the adapters that it has been given."""
        answered: Tensor = self._model(input_ids=tokens, attention_mask=mask).logits
        return answered

    @contextmanager
    def adapted(self, factors: Mapping[str, Factors], head: Sequence[Tensor]) -> Iterator[None]:
        """Let its layers compute with these adapters, and its head with these tensors."""
        try:
            for name, each in factors.items():
                self.layers[name].factors = each
            for described, tensor in zip(self.head, head, strict=True):
                setattr(self.owned[described.layer], described.key, tensor)
            yield
        finally:
            for name in factors:
                self.layers[name].factors = None
            for described in self.head:
                setattr(self.owned[described.layer], described.key, None)


def _sizes(layer: nn.Module) -> tuple[int, int] | None:
    """Return the inputs and outputs of a linear layer; None for others."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    if type(layer).__name__ == "Conv1D" and isinstance(getattr(layer, "weight", None), Tensor):
        inputs, outputs = layer.weight.shape  # type: ignore[misc]
        return int(inputs), int(outputs)
    return None


def _own(model: nn.Module, name: str) -> OwnLinear:
    layer = model.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    return OwnLinear(layer)


def _replaced(model: nn.Module, name: str, layer: _Layer) -> _Layer:
    parent, _, key = name.rpartition(".")
    setattr(model.get_submodule(parent), key, layer)
    return layer


def _head_tensors(model: nn.Module, head: Sequence[str], drawn: frozenset[str]) -> Iterator[HeadTensor]:
    for name in head:
        for key, tensor in model.get_submodule(name).named_parameters():
            first = None if f"{name}.{key}" in drawn else tensor.detach().clone()
            yield HeadTensor(layer=name, key=key, shape=tensor.shape, first=first)


@final
class _Held:
    """Keeps the base out of the model's own layers, and thus out of its state and its trained weights."""

    def __init__(self, base: AdaptableBase) -> None:
        self.base = base


@final
class AdaptedModel(ManyRows):
    """Adapters of one trial, in each layer of the base's blocks and as wide as `widest`, so that all train together.

    Beyond a trial's rank, and in layers that it did not choose, its `gain` is 0: nothing is learnt there.

    For a language model inputs are windows of tokens, (batch, context + 1), and outputs nats and hits a token,
    (batch, 2). A classifier is given the number of a text's tokens and the tokens, (batch, 1 + steps), and answers
    with logits, (batch, classes).
    """

    gain: Tensor
    share: Tensor

    def __init__(self, base: AdaptableBase, lora: Lora, *, widest: int) -> None:
        super().__init__()
        self._held = _Held(base)
        self.names = Lora().chosen([*base.layers])
        self._lora = lora
        layers = [base.layers[name] for name in self.names]
        self.down = nn.ParameterList([_drawn(widest, layer.inputs) for layer in layers])
        self.up = nn.ParameterList([torch.zeros(layer.outputs, widest) for layer in layers])
        self.head = nn.ParameterList([_begun(each, base.spread) for each in base.head])
        gain = torch.zeros(len(layers), widest)
        gain[[self.names.index(name) for name in self.chosen], : lora.rank] = lora.alpha / lora.rank
        self.register_buffer("gain", gain, persistent=False)
        self.register_buffer("share", torch.tensor(lora.dropout), persistent=False)

    @property
    def chosen(self) -> Sequence[str]:
        """The layers that have adapters."""
        return self._lora.chosen(self.names)

    @property
    def num_weights(self) -> int:
        head = sum(each.numel() for each in self.head)
        layers = [self.base.layers[name] for name in self.chosen]
        count: int = head + self._lora.rank * sum(layer.inputs + layer.outputs for layer in layers)
        return count

    @property
    def base(self) -> AdaptableBase:
        """What the adapters are for."""
        return self._held.base

    def forward(self, inputs: Tensor) -> Tensor:
        named = (*self.named_parameters(), *self.named_buffers())
        tensors = {name: tensor[None] for name, tensor in named}
        return self.rows(tensors, inputs[None], training=self.training)[0]

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits of the next token at each step, (batch, steps, tokens), of a language model."""
        named = (*self.named_parameters(), *self.named_buffers())
        with self.base.adapted(*self._given({name: tensor[None] for name, tensor in named}, training=False)):
            return self.base.logits(tokens, None)

    def rows(
        self,
        tensors: Mapping[str, Tensor],
        inputs: Tensor,
        columns: Mapping[Any, Tensor] = MappingProxyType({}),
        *,
        training: bool,
        draws_same: bool = False,
    ) -> Tensor:
        del columns, draws_same
        with self.base.adapted(*self._given(tensors, training=training)):
            outputs = self._answered(inputs.flatten(0, 1), training=training)
        return outputs.view(*inputs.shape[:2], -1)

    def _given(
        self, tensors: Mapping[str, Tensor], *, training: bool
    ) -> tuple[Mapping[str, Factors], Sequence[Tensor]]:
        """Return what the base is given for one forward pass of these rows."""
        share = tensors["share"] if training and bool(tensors["share"].any()) else None
        factors = {
            name: Factors(down=tensors[f"down.{at}"], up=tensors[f"up.{at}"], gain=tensors["gain"][:, at], share=share)
            for at, name in enumerate(self.names)
        }
        return factors, [tensors[f"head.{at}"] for at in range(len(self.base.head))]

    def _answered(self, inputs: Tensor, *, training: bool) -> Tensor:
        if self.base.task is Task.LANGUAGE:
            return measured(self.base.logits(inputs[:, :-1], None), inputs[:, 1:], training=training)
        lengths, tokens = inputs[:, :1], inputs[:, 1:]
        mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths
        return self.base.logits(tokens, mask.long()).float()


@torch.no_grad()
def keeps_rows_apart(model: AdaptedModel, inputs: Tensor) -> bool:
    """Whether each of two rows answers beside the other what it does alone, for inputs (batch, *shape)."""
    drawn = torch.Generator().manual_seed(0)
    named = (*model.named_parameters(), *model.named_buffers())
    tensors = {name: torch.stack([each, each]) for name, each in named}
    for name, each in tensors.items():
        if name.startswith("up."):
            each.copy_(torch.randn(each.shape, generator=drawn) * model.base.spread)
    both = torch.stack([inputs, inputs.flip(0)])
    together = model.rows(tensors, both, training=False)
    alone = [
        model.rows({name: each[row : row + 1] for name, each in tensors.items()}, both[row : row + 1], training=False)
        for row in range(2)
    ]
    return torch.allclose(together, torch.cat(alone), rtol=1e-3, atol=1e-4)


def _drawn(rank: int, inputs: int) -> Tensor:
    """Return the inputs' factor as PEFT draws it: uniform, by 1 / sqrt(inputs)."""
    return nn.init.kaiming_uniform_(torch.empty(rank, inputs), a=5**0.5)


def _begun(described: HeadTensor, spread: float) -> Tensor:
    if described.first is not None:
        return described.first.float().clone()
    empty = torch.zeros(described.shape)
    return nn.init.normal_(empty, std=spread) if described.key == "weight" else empty
