"""What models are trained with to compare training alone with training together."""

from dataclasses import dataclass, replace
from typing import Any, cast, final

from torch import Tensor

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training.batched_loss import numbers_of
from tuner.objectives.training.data import Examples
from tuner.objectives.training.seeding import order

MEMBERS = 3
"""How many models are compared."""

STEPS = 2
"""How many steps each is trained for."""

LEAST_EXAMPLES = 12
"""How many examples a step is shown, where the trial's own batch has as many: enough for statistics."""


_NUMBERS = 1 << 16
"""So many numbers at most make a step of more examples than that."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """What models are trained with to find out: a few examples, on the device, and what is asked of a model."""

    loss: Loss
    examples: Examples
    task: Task
    classes: int
    device: str
    batch_size: int
    last_batch: int
    """How many examples the last batch of an epoch has: some models do something else with fewer."""
    varies_loss: bool = True
    """Whether each member's loss has numbers of its own."""

    def batches(self, member: int) -> list[tuple[Tensor, Tensor]]:
        """Return a member's own batches."""
        count = len(self.examples.targets)
        size = min(self.batch_size, count, max(LEAST_EXAMPLES, _NUMBERS // max(1, self.examples.features[0].numel())))
        sizes = [size, min(size, self.last_batch)]
        rows = [order(member, step, count)[:shown] for step, shown in enumerate(sizes)]
        return [(self.examples.features[each], self.examples.targets[each]) for each in rows]

    @property
    def seen(self) -> Tensor:
        """The inputs that all members are evaluated with."""
        return self.examples.features[:LEAST_EXAMPLES]

    def losses(self) -> list[Loss]:
        """Return a loss for each member, with other numbers where it has some and they can be others."""
        if not self.varies_loss:
            return [self.loss] * MEMBERS
        try:
            return [_with_other_numbers(self.loss, 1 - 0.1 * member) for member in range(MEMBERS)]
        except Exception:  # noqa: BLE001 - a user's loss may reject numbers that its space does not contain
            return [self.loss] * MEMBERS


def _with_other_numbers(loss: Loss, factor: float) -> Loss:
    changed: Any = {name: value * factor if value else 1 - factor for name, value in numbers_of(loss).items()}
    return replace(cast("Any", loss), **changed) if changed else loss
