"""Recurrent layers that also run as many models at once."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import final

import torch
from torch import Tensor, nn

from tuner.objectives.architectures._layers import Batchable, Dropout

_LAYERS: Mapping[str, type[nn.GRU | nn.LSTM]] = MappingProxyType({"gru": nn.GRU, "lstm": nn.LSTM})


@final
class Recurrence(Batchable):
    """GRU or LSTM layers along (batch, steps, features), answering with the state after the last step.

    torch's own fused layers, whose weights these are, have no rule for vmap: there the recurrence is written out.
    """

    def __init__(self, cell: str, features: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        # torch drops out only between layers, and warns where there is no "between".
        between = dropout if depth > 1 else 0.0
        self.layers = _LAYERS[cell](features, width, depth, batch_first=True, dropout=between)
        self._step = _STEPS[cell]
        self.between = Dropout(between)

    def forward(self, sequence: Tensor) -> Tensor:
        if not self.batched:
            states: Tensor = self.layers(sequence)[0]
            return states[:, -1]
        steps = sequence.unbind(1)
        for layer in range(self.layers.num_layers):
            steps = self._layer(layer, [self.between(step) for step in steps] if layer else steps)
        return steps[-1]

    def _layer(self, layer: int, steps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        named = (f"{part}_l{layer}" for part in ("weight_ih", "bias_ih", "weight_hh", "bias_hh"))
        into, into_bias, over, over_bias = (getattr(self.layers, name) for name in named)
        inputs = (torch.stack(list(steps)) @ into.T + into_bias).unbind(0)
        state = torch.zeros_like(inputs[0][..., : over.shape[1]])
        memory, states = state, []
        for each in inputs:
            state, memory = self._step(each, state @ over.T + over_bias, state, memory)
            states.append(state)
        return tuple(states)


def _gru(inputs: Tensor, recurrent: Tensor, state: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    reset_in, update_in, new_in = inputs.chunk(3, dim=-1)
    reset_over, update_over, new_over = recurrent.chunk(3, dim=-1)
    new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_over) * new_over)
    update = torch.sigmoid(update_in + update_over)
    return new + update * (state - new), memory


def _lstm(inputs: Tensor, recurrent: Tensor, _: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    entry, forget, new, output = (inputs + recurrent).chunk(4, dim=-1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(entry) * torch.tanh(new)
    return torch.sigmoid(output) * torch.tanh(memory), memory


_Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""From a step's inputs, what the state adds, the state and the memory, to the next state and memory."""

_STEPS: Mapping[str, _Step] = MappingProxyType({"gru": _gru, "lstm": _lstm})
