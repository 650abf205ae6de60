"""The training loop."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from objectives._tasks import Task
from objectives.losses._loss import Loss
from objectives.lr_schedules._lr_schedule import LrSchedule
from objectives.training.data import Data, Examples
from objectives.training.metrics import LOSS, measure

_EVALUATED_AT_ONCE = 4096


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A model and all that training it takes. `lr` is the rate at factor 1 of the schedule."""

    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    lr_schedule: LrSchedule
    lr: float
    clip: float
    batch_size: int


def train_epoch(learner: Learner, examples: Examples, *, epoch: int, max_epochs: int) -> None:
    """Show every example once, in an order drawn from torch's global generator; `epoch` counts from 0."""
    batches = shuffled(examples, learner.batch_size)
    learner.model.train()
    for step, (features, targets) in enumerate(batches):
        # The middle of the step: at its start a warm-up, at its end a schedule that falls to 0 would waste it.
        set_lr(learner, (epoch + (step + 0.5) / len(batches)) / max_epochs)
        loss = learner.loss(learner.model(features), targets).mean()
        learner.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if learner.clip > 0:
            nn.utils.clip_grad_norm_(learner.model.parameters(), learner.clip)
        learner.optimizer.step()


def shuffled(examples: Examples, batch_size: int) -> list[tuple[Tensor, Tensor]]:
    """Return the examples as batches, in random order; a last batch of one is left out, having no statistics."""
    order = torch.randperm(len(examples.targets)).to(examples.targets.device)
    features, targets = (torch.split(tensor[order], batch_size) for tensor in (examples.features, examples.targets))
    pairs = list(zip(features, targets, strict=True))
    return pairs[:-1] if len(pairs) > 1 and len(targets[-1]) == 1 < batch_size else pairs


def set_lr(learner: Learner, progress: float) -> None:
    """Give the optimizer the rate that the schedule wants at `progress` (0 to 1)."""
    lr = learner.lr * learner.lr_schedule.factor(progress)
    for group in learner.optimizer.param_groups:
        group["lr"] = lr


@torch.inference_mode()
def evaluate(learner: Learner, data: Data, examples: Examples) -> dict[str, float]:
    """Return every metric on these examples; the loss is the learner's own, the others are in original units."""
    learner.model.eval()
    outputs = torch.cat([learner.model(features) for features in torch.split(examples.features, _EVALUATED_AT_ONCE)])
    loss = learner.loss(outputs, examples.targets).mean()
    if data.task is Task.CLASSIFICATION:
        predictions = learner.loss.probabilities(outputs)
    else:
        predictions = outputs[:, 0].cpu().double() * data.spread + data.centre
    return measure(data.task, examples.measured, predictions.cpu().numpy()) | {LOSS: float(loss)}
