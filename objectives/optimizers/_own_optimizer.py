"""Optimizers of one trial that torch lacks: what they share is going through the parameters."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor


class OwnOptimizer(torch.optim.Optimizer):
    """Steps each parameter that has a gradient by a rule of its own; it takes no sparse gradients."""

    rule: ClassVar[str]
    """The optimizer's name in messages."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if parameter.grad.is_sparse:
                    raise RuntimeError(f"{self.rule} does not support sparse gradients")
                self.step_one(parameter, parameter.grad, group)

    @abstractmethod
    def step_one(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Step one parameter, whose group has the rates, and bring its state up to date."""
