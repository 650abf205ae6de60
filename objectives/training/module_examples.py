"""Examples of a user's own objective: checked, with the size, shape and type of each split."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.training.data import Examples
from tuner.objectives.training.model_signature import as_targets

_SAMPLED = 128
"""How many training examples are kept to compare training alone with training together."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFacts:
    """What is known of a split: how many examples and classes it has, and the shape and type of one example."""

    count: int
    classes: int
    shape: tuple[int, ...]
    dtype: str
    sample: Examples | None


@final
class ModuleExamples:
    """What an objective's `examples` returns for each split, checked.

    `owner` is the name of the objective's class, for messages.
    """

    def __init__(self, examples: Callable[[str], Any], task: Task, owner: str) -> None:
        self._examples = examples
        self._task = task
        self._owner = owner
        self._known: dict[str, SplitFacts] = {}

    @property
    def classes(self) -> int:
        """How many classes the targets have; 1 for values."""
        return max(self.known(split).classes for split in ("train", "validation"))

    @property
    def sample(self) -> Examples:
        """Examples from all over the training split."""
        sample = self.known("train").sample
        assert sample is not None  # of this split there is one
        return sample

    def known(self, split: str) -> SplitFacts:
        """Return what is known of a split without reading it again."""
        if split not in self._known:
            self.checked(split)
        return self._known[split]

    def checked(self, split: str) -> tuple[Tensor, Tensor]:
        """Return a split's inputs, and its targets as training takes them.

        Raises `ConfigurationError` where they are not two tensors that fit the task.
        """
        found = self._examples(split)
        if found is None:
            raise ConfigurationError(f"{self._owner}.examples({split!r}) gave nothing")
        if not isinstance(found, tuple | list) or len(found) != len(("inputs", "targets")):
            kind = type(found).__name__
            raise ConfigurationError(f"examples({split!r}) gave a {kind}; wanted are two tensors: inputs, targets")
        inputs, targets = (torch.as_tensor(each) if isinstance(each, np.ndarray) else each for each in found)
        if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
            kinds = ", ".join(type(each).__name__ for each in (inputs, targets))
            raise ConfigurationError(f"examples({split!r}) gave {kinds}; wanted are two tensors: inputs, targets")
        targets = as_targets(targets, inputs, self._task, split)
        self._known[split] = SplitFacts(
            count=len(targets),
            classes=1 + int(targets.max()) if self._task is Task.CLASSIFICATION else 1,
            shape=tuple(inputs.shape[1:]),
            dtype=str(inputs.dtype).removeprefix("torch."),
            sample=_sampled(inputs, targets) if split == "train" else None,
        )
        return inputs, targets

    def on_device(self, split: str, device: str) -> Examples:
        """Return a split's examples on a device."""
        inputs, targets = self.checked(split)
        measured = targets.cpu().numpy()
        return Examples(features=inputs.to(device), targets=targets.to(device), measured=measured)

    def problems(self) -> Iterator[str]:
        """Yield the splits whose inputs differ from the training split's in dimensions or type.

        Raises whatever `examples` raises, and `ConfigurationError` as `checked` does.
        """
        known: Mapping[str, SplitFacts] = {split: self.known(split) for split in ("train", "validation")}
        if self._examples("test") is not None:
            known = {**known, "test": self.known("test")}
        first = known["train"]
        for split, each in known.items():
            if (len(each.shape), each.dtype) != (len(first.shape), first.dtype):
                yield (
                    f"examples({split!r}) gave inputs of {each.shape}, {each.dtype}; "
                    f"those of 'train' are {first.shape}, {first.dtype}"
                )


def _sampled(inputs: Tensor, targets: Tensor) -> Examples:
    rows = torch.linspace(0, len(targets) - 1, min(_SAMPLED, len(targets))).long()
    features, chosen = inputs[rows].cpu(), targets[rows].cpu()
    return Examples(features=features, targets=chosen, measured=chosen.numpy())
