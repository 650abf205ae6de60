"""The training loop."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.domain.row_values import RowKeeper
from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss
from tuner.objectives.lr_schedules._lr_schedule import LrSchedule
from tuner.objectives.optimizers._optimizer import Optimizer
from tuner.objectives.training.calibration import Calibration
from tuner.objectives.training.data import EVALUATED_AT_ONCE, Data, Examples, TrainingExamples
from tuner.objectives.training.data_parallel import Replica
from tuner.objectives.training.metrics import LOSS, measure
from tuner.objectives.training.model_signature import answered, innermost_layer
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.row_values import by_group, by_row
from tuner.objectives.training.seeding import seed_rank
from tuner.objectives.training.weights import fleeting, put_back

Reads = Callable[[Tensor], Tensor]
"""What makes inputs ones that a model can read."""


def _as_they_are(inputs: Tensor) -> Tensor:
    return inputs


def _any_number(_: int) -> None:
    pass


@final
@dataclass(frozen=True, kw_only=True)
class TrainState:
    """A model and all that training it takes."""

    model: nn.Module
    loss: Loss
    build_optimizer: Callable[[], torch.optim.Optimizer]
    lr_schedule: LrSchedule
    rule: Optimizer
    """What the optimizer is built from."""
    batch_size: int
    precision: Precision = Precision.FLOAT32
    class_weights: Tensor | None = None
    """What an example counts in the mean loss of a batch, for each class; None: all the same."""
    reads: Reads = _as_they_are
    accepts: Callable[[int], None] = _any_number
    """Raises `ConfigurationError` where the targets ask for another number of outputs than this."""
    replica: Replica | None = None
    """The model as one of several ranks trains it; None where the trial has one process."""
    micro_batch: int | None = None
    """How many examples go through the model at once, whose gradients are added up; None: the whole batch."""

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer, built when it is asked for: a cohort needs none, and torch's first one imports a compiler."""
        return self.build_optimizer()

    @property
    def optimizer_memory(self) -> Mapping[Tensor, Mapping[str, Any]]:
        """What the optimizer remembers of each weight; nothing where none was built yet."""
        return self.optimizer.state if "optimizer" in self.__dict__ else {}

    def outputs(self, features: Tensor) -> Tensor:
        """Return the model's outputs, (batch, outputs), in 32 bits."""
        model = self.model if self.replica is None else self.replica.model
        outputs = forwarded(model, features, self.precision, self.reads)
        self.accepts(outputs.shape[1])
        return outputs

    def state(self) -> dict[str, Any]:
        """Return what a trial resumes from: weights, buffers that are in no state dict, and the optimizer's state."""
        kept = fleeting(self.model)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
            **({"buffers": kept} if kept else {}),
        }
        return state if self.replica is None else self.replica.whole(state)

    def resume(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state` returned; the optimizer's hyperparameters stay."""
        weights, kept = state["model"], state["optimizer"]
        if self.replica is not None:
            weights, kept = self.replica.divided(weights, kept, self.optimizer)
        self.model.load_state_dict(weights)
        put_back(self.model, state.get("buffers", {}))
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": kept, "param_groups": groups})


def train_epoch(learner: TrainState, examples: TrainingExamples, *, epoch: int, max_epochs: int, seed: int = 0) -> None:
    """Show an epoch's examples, in the order of a trial with this seed; `epoch` counts from 0.

    What the order does not draw from the seed it draws from torch's global generator.
    """
    order = examples.order(seed, epoch, learner.batch_size, torch.default_generator)
    places = batched(order.to(examples.device), learner.batch_size, dim=0)
    shares, replica = places, learner.replica
    if replica is not None:
        shares = tuple(map(replica.share, places))
        seed_rank(seed, epoch, replica.rank, str(examples.device))
    learner.model.train()
    for step, (features, targets) in enumerate(gathered(examples, shares)):
        set_lr(learner, progress(epoch, step, len(places), max_epochs), len(places) * max_epochs)
        take_step(learner, features, targets, len(places[step]))


def take_step(learner: TrainState, features: Tensor, targets: Tensor, batch_size: int) -> None:
    """Train with a batch of this size, of which these examples are this rank's."""
    learner.optimizer.zero_grad()
    _add_gradients(learner, features, targets, batch_size)
    if learner.rule.clip > 0:
        nn.utils.clip_grad_norm_(learner.model.parameters(), learner.rule.clip)
    learner.optimizer.step()


def _add_gradients(learner: TrainState, features: Tensor, targets: Tensor, batch_size: int) -> None:
    """Add up the gradients of the mean loss of the batch, which torch's losses weigh by the sum of the weights."""
    replica, weights, at_once = learner.replica, learner.class_weights, learner.micro_batch or batch_size
    assert replica is None or weights is None  # a rank does not know the weights of the others' examples
    total = batch_size if weights is None else weights[targets].sum()
    count = -(-batch_size // at_once) if replica is None else replica.pieces(batch_size, at_once)
    pieces = zip(torch.tensor_split(features, count), torch.tensor_split(targets, count), strict=True)
    for number, (inputs, answers) in enumerate(pieces, start=1):
        with nullcontext() if replica is None or number == count else replica.accumulating():
            losses = learner.loss(learner.outputs(inputs), answers)
            if weights is not None:
                losses = losses * weights[answers]
            loss = losses.sum() / total if replica is None else replica.mean(losses, batch_size)
            loss.backward()  # type: ignore[no-untyped-call]


def gathered(examples: TrainingExamples, places: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the inputs and targets of each batch: one at a time, so that an epoch needs no copy of the data."""
    for batch in places:
        yield examples.inputs(batch), examples.answers(batch)


def batched(tensor: Tensor, batch_size: int, *, dim: int) -> tuple[Tensor, ...]:
    """Return the tensor in batches along `dim`; a last batch of one is left out, having no statistics."""
    parts = torch.split(tensor, batch_size, dim=dim)
    return parts[:-1] if len(parts) > 1 and parts[-1].shape[dim] == 1 < batch_size else parts


def progress(epoch: int, step: int, steps: int, max_epochs: int) -> float:
    """Return how much of training is over (0 to 1) in the middle of a step.

    At its start a warm-up, at its end a schedule that falls to 0 would waste it.
    """
    return (epoch + (step + 0.5) / steps) / max_epochs


def set_lr(learner: TrainState, progress: float, steps: int) -> None:
    """Give the optimizer the rate that the schedule wants at `progress` (0 to 1) of so many steps."""
    lr = learner.rule.lr * learner.lr_schedule.multiplier(progress, steps)
    for group in learner.optimizer.param_groups:
        group["lr"] = lr * group.get("rate", 1.0)


@torch.no_grad()
def evaluate(learner: TrainState, data: Data, examples: Examples, rows: RowKeeper | None = None) -> dict[str, float]:
    """Return every metric on these examples; the loss is the learner's own, the others are in original units.

    What each row contributes to a metric is given to `rows`, where that wants it.

    Not in inference mode: what a model keeps of an evaluation, such as a cache, could not be trained with.
    """
    learner.model.eval()
    replica = learner.replica
    features = examples.features if replica is None else replica.evaluated(examples.features)
    outputs = outputs_of(learner.model, features, learner.precision, learner.reads, data.at_once)
    if replica is not None:
        outputs = replica.gathered(outputs, len(examples.features))
    return scored(learner.loss, data, examples, outputs, rows)


def outputs_of(
    model: nn.Module,
    features: Tensor,
    precision: Precision,
    reads: Reads = _as_they_are,
    at_once: int = EVALUATED_AT_ONCE,
) -> Tensor:
    """Return a trained model's outputs, (examples, outputs), in 32 bits, and leave the features as they are."""
    parts = torch.split(features, at_once)
    return torch.cat([forwarded(model, part.clone(), precision, reads) for part in parts])


def forwarded(model: nn.Module, features: Tensor, precision: Precision, reads: Reads) -> Tensor:
    """Return what a model answers to one batch, (batch, outputs), in 32 bits; it may change the features."""
    with precision.forward_on(features.device):
        try:
            outputs = model(reads(features))
        except Exception as error:
            error.add_note(f"in {innermost_layer(model, error)} of the model, given inputs of {tuple(features.shape)}")
            raise
    return answered(outputs, len(features))


def scored(
    loss: Loss, data: Data, examples: Examples, outputs: Tensor, rows: RowKeeper | None = None
) -> dict[str, float]:
    """Return every metric of these outputs, (examples, outputs); `rows` is as in `evaluate`."""
    losses = loss(outputs, examples.targets)
    if data.task is Task.CLASSIFICATION:
        predictions = Calibration(smoothing=data.smoothing).of_tensor(loss.probabilities(outputs))
    elif data.task is Task.LANGUAGE:
        predictions = outputs.double()
    else:
        predictions = outputs[:, 0].cpu().double() * data.spread + data.centre
    found = predictions.cpu().numpy()
    metrics = measure(data.task, examples.measured, found) | {LOSS: float(losses.mean())}
    if rows is not None and math.isfinite(metrics.get(rows.metric or "", math.nan)):
        is_loss = rows.metric == LOSS
        values = losses.cpu().numpy() if is_loss else by_row(data.task, str(rows.metric), examples.measured, found)
        rows.keep(values if examples.groups is None else by_group(values, examples.groups))
    return metrics
