"""Data parallelism: the ranks of a trial share each batch, and take the same step with the mean of their gradients."""

import os
from contextlib import AbstractContextManager
from typing import final

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import Trial

_LOCAL_RANK = "LOCAL_RANK"


@final
class Replica:
    """A model as one of several ranks trains it, in whose process group this process is.

    The batch of a step is that of all ranks together, so that training is the same however many there are.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.rank, self.ranks = distributed.get_rank(), distributed.get_world_size()
        self.model = DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)

    def share(self, batch: Tensor) -> Tensor:
        """Return the part of a batch that this rank computes, along the first dimension."""
        return torch.tensor_split(batch, self.ranks)[self.rank]

    def alone(self) -> AbstractContextManager[None]:
        """Let gradients be this rank's own in a block: those of the last part of a step bring the sums together."""
        found: AbstractContextManager[None] = self.model.no_sync()
        return found

    def mean(self, losses: Tensor, batch_size: int) -> Tensor:
        """Return what to differentiate for the mean loss of a batch of this size, from the losses of this rank's share.

        Torch takes the mean of the gradients of all ranks, whose shares may differ by one example.
        """
        return losses.sum() * (self.ranks / batch_size)

    def gathered(self, outputs: Tensor, total: int) -> Tensor:
        """Return the outputs for `total` examples, (total, outputs), of which these are for this rank's share."""
        sizes = [len(each) for each in torch.tensor_split(torch.empty(total), self.ranks)]
        padded = outputs.new_zeros((max(sizes), *outputs.shape[1:]))
        padded[: len(outputs)] = outputs
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


def replica_of(model: nn.Module, trial: Trial, batch_size: int) -> Replica | None:
    """Return the trial's model as this rank is to train it; None where the trial has one process.

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
    return Replica(model, device)
