"""BatchLoss: the sum of the members' mean losses, computed once per kind of loss."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, final

import torch
from torch import Tensor

from tuner.objectives.losses._loss import Loss


@final
class BatchLoss:
    """The sum of the members' mean losses: one computation for each kind among them."""

    def __init__(self, losses: Sequence[Loss], class_weights: Sequence[Tensor | None], device: torch.device) -> None:
        rows: dict[Hashable, list[int]] = {}
        for row, loss in enumerate(losses):
            rows.setdefault(_kind_of(loss), []).append(row)
        self._kinds = [
            (torch.tensor(same, device=device), _together([losses[row] for row in same], device))
            for same in rows.values()
        ]
        self._weights = _class_weights(class_weights)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum for outputs (rows, batch, outputs) and targets (rows, batch)."""
        weights = None if self._weights is None else self._weights.gather(1, targets)
        if len(self._kinds) == 1:
            return self._kinds[0][1](outputs, targets, weights)
        return torch.stack(
            [
                loss(outputs[rows], targets[rows], None if weights is None else weights[rows])
                for rows, loss in self._kinds
            ]
        ).sum()


def _class_weights(given: Sequence[Tensor | None]) -> Tensor | None:
    """Return the weights of all members' classes, (rows, classes); None where no member has any."""
    known = [each for each in given if each is not None]
    if not known:
        return None
    equal = torch.ones_like(known[0])
    return torch.stack([equal if each is None else each for each in given])


def _kind_of(loss: Loss) -> Hashable:
    """Return what losses that are computed at once have in common: all but the numbers among their fields."""
    if not is_dataclass(loss):
        return id(loss)
    rest = tuple(getattr(loss, field.name) for field in fields(loss) if field.name not in numbers_of(loss))
    return (type(loss), rest) if all(isinstance(each, int | str | None) for each in rest) else id(loss)


def numbers_of(loss: Loss) -> Mapping[str, float]:
    """Return the real numbers among a loss's fields, in which losses that are computed at once may differ.

    Whole ones count things, such as how often.
    """
    if not is_dataclass(loss):
        return {}
    given = {field.name: getattr(loss, field.name) for field in fields(loss) if field.init}
    return {name: value for name, value in given.items() if type(value) is float}


def _together(losses: Sequence[Loss], device: torch.device) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """Return the sum of the mean losses of rows, each with its own fields and its own weights of examples."""
    first: Any = losses[0]
    numbers = {name: [numbers_of(each)[name] for each in losses] for name in numbers_of(first)}
    # What all have in common stays a number: a loss with numbers takes torch's fast path.
    varying = {name: torch.tensor(values, device=device) for name, values in numbers.items() if len(set(values)) > 1}

    def total(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        rows, batch = targets.shape
        mine = {name: values.repeat_interleave(batch) for name, values in varying.items()}
        loss = replace(first, **mine) if mine else first
        found: Tensor = loss(outputs.flatten(0, 1), targets.flatten()).view(rows, batch)
        # As torch's losses weigh a mean: by the sum of the weights.
        return found.sum() / batch if weights is None else ((found * weights).sum(dim=1) / weights.sum(dim=1)).sum()

    return total
