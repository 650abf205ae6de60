"""Data parallelism: the ranks of a trial share each batch, and take the same step with the mean of their gradients."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import Trial

_LOCAL_RANK = "LOCAL_RANK"

Weights = Mapping[str, Tensor]
"""The state of a model, by name."""

Kept = Mapping[int, Mapping[str, Any]]
"""What an optimizer keeps of each parameter, by its number among them."""


class Replica(ABC):
    """A model as one of several ranks trains it, in whose process group this process is.

    The batch of a step is that of all ranks together, so that training is the same however many there are.
    """

    def __init__(self, model: nn.Module) -> None:
        self.rank, self.ranks = distributed.get_rank(), distributed.get_world_size()
        self.model = model
        """What is called where training goes forward."""

    def share(self, batch: Tensor) -> Tensor:
        """Return the part of a batch that this rank computes, along the first dimension."""
        return torch.tensor_split(batch, self.ranks)[self.rank]

    def pieces(self, batch_size: int, at_once: int) -> int:
        """Return in how many pieces every rank computes its share of a batch, of at most so many examples each."""
        return -(-self._largest_share(batch_size) // at_once)

    def mean(self, losses: Tensor, batch_size: int) -> Tensor:
        """Return what to differentiate for the mean loss of a batch of this size, from the losses of this rank's share.

        Torch takes the mean of the gradients of all ranks, whose shares may differ by one example.
        """
        return losses.sum() * (self.ranks / batch_size)

    def evaluated(self, examples: Tensor) -> Tensor:
        """Return this rank's share of examples, with others up to the largest share: all ranks go forward alike."""
        share = self.share(examples)
        missing = self._largest_share(len(examples)) - len(share)
        return torch.cat([share, examples[:missing]]) if missing else share

    def gathered(self, outputs: Tensor, total: int) -> Tensor:
        """Return the outputs for `total` examples, (total, outputs), of which these are for what `evaluated` gave."""
        parts = [torch.empty_like(outputs) for _ in range(self.ranks)]
        distributed.all_gather(parts, outputs)
        sizes = [len(each) for each in torch.tensor_split(torch.empty(total), self.ranks)]
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    def _largest_share(self, total: int) -> int:
        return -(-total // self.ranks)

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return a training state that one process, or any number of ranks, continues from."""
        return state

    def divided(self, weights: Weights, kept: Kept, optimizer: torch.optim.Optimizer) -> tuple[Weights, Kept]:
        """Return a whole state, of the model and of its optimizer, as this rank holds it."""
        return weights, kept

    @abstractmethod
    def accumulating(self) -> AbstractContextManager[None]:
        """Let gradients be added up in a block, before those of a step's last piece bring all ranks' together."""


@final
class Replicated(Replica):
    """Every rank holds the whole model (DistributedDataParallel)."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._parallel = DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
        super().__init__(self._parallel)

    def accumulating(self) -> AbstractContextManager[None]:
        found: AbstractContextManager[None] = self._parallel.no_sync()
        return found


@final
class Sharded(Replica):
    """Every rank holds a part of all weights, gradients and the optimizer's state (FSDP2)."""

    def __init__(self, model: nn.Module, layers: nn.Module, device: torch.device) -> None:
        # Importing it takes torch most of a second, which trials of one process need not wait for.
        from tuner.objectives.training import sharded_tensors  # noqa: PLC0415

        self._tensors = sharded_tensors
        sharded_tensors.shard(model, layers, device)
        super().__init__(model)

    def accumulating(self) -> AbstractContextManager[None]:
        return nullcontext()

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._tensors.whole(state)
        return found

    def divided(self, weights: Weights, kept: Kept, optimizer: torch.optim.Optimizer) -> tuple[Weights, Kept]:
        parameters = (each for group in optimizer.param_groups for each in group["params"])
        return self._tensors.model_state(weights, self.model), self._tensors.optimizer_state(kept, parameters)


def replica_of(model: nn.Module, trial: Trial, batch_size: int, *, sharded: nn.Module | None = None) -> Replica | None:
    """Return the trial's model as this rank is to train it; None where the trial has one process.

    Where its layers are given, they are `sharded` among the ranks: the model's parameters are other ones afterwards.
    Raises `ConfigurationError` where a batch has fewer examples than there are ranks.
    """
    if trial.ranks == 1:
        return None
    if batch_size < trial.ranks:
        raise ConfigurationError(
            f"batch_size: {batch_size} examples cannot be shared by {trial.ranks} ranks",
            hint="a batch is that of all ranks together: raise batch_size, or lower resources.ranks",
        )
    device = torch.device(trial.device)
    if not distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ[_LOCAL_RANK]))
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Replicated(model, device) if sharded is None else Sharded(model, sharded, device)
