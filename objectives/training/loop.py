"""The training loop."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss
from tuner.objectives.lr_schedules._lr_schedule import LrSchedule
from tuner.objectives.optimizers._optimizer import Optimizer
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.metrics import LOSS, measure
from tuner.objectives.training.precision import Precision

_EVALUATED_AT_ONCE = 4096


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A model and all that training it takes."""

    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    lr_schedule: LrSchedule
    rule: Optimizer
    """What `optimizer` was built from."""
    batch_size: int
    precision: Precision = Precision.FLOAT32
    class_weights: Tensor | None = None
    """What an example's loss is multiplied by in training, for each class; None: by 1."""

    def outputs(self, features: Tensor) -> Tensor:
        """Return the model's outputs, (batch, outputs), in 32 bits."""
        return _outputs(self.model, features, self.precision)

    def state(self) -> dict[str, Any]:
        """Return what a trial goes on from: its weights, and what the optimizer remembers."""
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()["state"]}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; the optimizer's own numbers stay."""
        self.model.load_state_dict(state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})


def train_epoch(learner: Learner, examples: Examples, *, epoch: int, max_epochs: int) -> None:
    """Show every example once, in an order drawn from torch's global generator; `epoch` counts from 0."""
    places = shuffled(examples, learner.batch_size)
    learner.model.train()
    for step, (features, targets) in enumerate(gathered(examples, places)):
        set_lr(learner, progress(epoch, step, len(places), max_epochs))
        losses = learner.loss(learner.outputs(features), targets)
        loss = (losses if learner.class_weights is None else losses * learner.class_weights[targets]).mean()
        learner.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if learner.rule.clip > 0:
            nn.utils.clip_grad_norm_(learner.model.parameters(), learner.rule.clip)
        learner.optimizer.step()


def shuffled(examples: Examples, batch_size: int) -> tuple[Tensor, ...]:
    """Return the places of the examples that each batch has, in random order."""
    order = torch.randperm(len(examples.targets)).to(examples.targets.device)
    return batched(order, batch_size, dim=0)


def gathered(examples: Examples, places: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the inputs and targets of each batch: one at a time, so that an epoch needs no copy of the data."""
    for batch in places:
        yield examples.features.index_select(0, batch), examples.targets.index_select(0, batch)


def batched(tensor: Tensor, batch_size: int, *, dim: int) -> tuple[Tensor, ...]:
    """Return the tensor in batches along `dim`; a last batch of one is left out, having no statistics."""
    parts = torch.split(tensor, batch_size, dim=dim)
    return parts[:-1] if len(parts) > 1 and parts[-1].shape[dim] == 1 < batch_size else parts


def progress(epoch: int, step: int, steps: int, max_epochs: int) -> float:
    """Return how much of training is over (0 to 1) in the middle of a step.

    At its start a warm-up, at its end a schedule that falls to 0 would waste it.
    """
    return (epoch + (step + 0.5) / steps) / max_epochs


def set_lr(learner: Learner, progress: float) -> None:
    """Give the optimizer the rate that the schedule wants at `progress` (0 to 1)."""
    lr = learner.rule.lr * learner.lr_schedule.factor(progress)
    for group in learner.optimizer.param_groups:
        group["lr"] = lr


@torch.inference_mode()
def evaluate(learner: Learner, data: Data, examples: Examples) -> dict[str, float]:
    """Return every metric on these examples; the loss is the learner's own, the others are in original units."""
    learner.model.eval()
    outputs = outputs_of(learner.model, examples.features, learner.precision)
    return scored(learner.loss, data, examples, outputs)


def outputs_of(model: nn.Module, features: Tensor, precision: Precision) -> Tensor:
    """Return a trained model's outputs, (examples, outputs), in 32 bits."""
    return torch.cat([_outputs(model, part, precision) for part in torch.split(features, _EVALUATED_AT_ONCE)])


def _outputs(model: nn.Module, features: Tensor, precision: Precision) -> Tensor:
    with precision.forward_on(features.device):
        outputs: Tensor = model(features)
    return outputs.float()


def scored(loss: Loss, data: Data, examples: Examples, outputs: Tensor) -> dict[str, float]:
    """Return every metric of these outputs, (examples, outputs)."""
    value = loss(outputs, examples.targets).mean()
    if data.task is Task.CLASSIFICATION:
        predictions = loss.probabilities(outputs)
    else:
        predictions = outputs[:, 0].cpu().double() * data.spread + data.centre
    return measure(data.task, examples.measured, predictions.cpu().numpy()) | {LOSS: float(value)}
