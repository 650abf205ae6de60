"""Batch: trains many trials of one shape at once.

The members' weights are rows of one matrix. A step is one forward pass of all of them, one backward pass of the sum of
their losses, which leaves each its own gradients, and one update for each kind of optimizer.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import groupby
from typing import Any, final

import torch
from torch import Tensor, nn

from tuner.domain.row_values import RowKeeper
from tuner.domain.trial import Trial
from tuner.objectives.losses._loss import Loss
from tuner.objectives.lr_schedules._lr_schedule import LrSchedule
from tuner.objectives.optimizers._optimizer import Optimizer, OptimizerBatch
from tuner.objectives.training.batched_loss import BatchLoss
from tuner.objectives.training.data import Data, Examples, TrainingExamples
from tuner.objectives.training.flat_state import FlatState, Layout
from tuner.objectives.training.loop import TrainState, batched, progress, scored
from tuner.objectives.training.model_signature import check_outputs
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.seeding import of_epoch
from tuner.objectives.training.stacked_model import StackedModel, gradients

_EVALUATED_AT_ONCE = 1 << 16
"""How many examples all rows together read at once while they are evaluated; as many rows are evaluated at a time as
have no more outputs, since a metric needs all outputs of a member."""

_COPIED = 1 << 13
"""How many examples may be copied in any case: fewer at once take longer than their memory is worth."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CohortMember:
    """What makes a trial different from the others in its batch, beside its row."""

    number: int
    seed: int
    data: Data
    loss: Loss
    rule: Optimizer
    lr_schedule: LrSchedule
    class_weights: Tensor | None
    rows: RowKeeper

    @staticmethod
    def of(trial: Trial, data: Data, learner: TrainState) -> "CohortMember":
        """Return the member that the learner is, without its model."""
        return CohortMember(
            number=trial.number,
            seed=trial.seed,
            data=data,
            loss=learner.loss,
            rule=learner.rule,
            lr_schedule=learner.lr_schedule,
            class_weights=learner.class_weights,
            rows=trial.rows,
        )


@final
class BatchedTrainer:
    """Members and their rows; rebuilt from the rows whenever a member joins or leaves."""

    def __init__(
        self,
        template: nn.Module,
        layout: Layout,
        members: Sequence[tuple[CohortMember, FlatState]],
        batch_size: int,
        precision: Precision,
    ) -> None:
        # Those with the same optimizer lie side by side, so that one update serves them.
        placed = sorted(members, key=lambda each: type(each[0].rule).__name__)
        self.members = [member for member, _ in placed]
        self.template = template
        self.batch_size = batch_size
        self.precision = precision
        self._rows = {member.number: row for row, member in enumerate(self.members)}
        self._stack = StackedModel(template, layout, [row for _, row in placed], precision)
        remembered = [{**row.memory, **row.tallies} for _, row in placed]
        self._kinds = [*_kinds([member.rule for member in self.members], remembered)]

    @property
    def layout(self) -> Layout:
        """Where the tensors of a model lie in its row."""
        return self._stack.layout

    @property
    def numbers(self) -> Collection[int]:
        """The members' numbers."""
        return self._rows.keys()

    @property
    def weights(self) -> int:
        """How many trained weights a model has."""
        return self._stack.weights.shape[1]

    def member(self, number: int) -> CohortMember:
        """Return a member by its number."""
        return self.members[self._rows[number]]

    def row(self, number: int) -> FlatState:
        """Return a member's row: views, which change as it is trained."""
        row = self._rows[number]
        kind = next(each for each in self._kinds if each.rows.start <= row < each.rows.stop)
        known = {name: each[row - kind.rows.start] for name, each in kind.memory.items()}
        still, buffers = self._stack.rest(row)
        return FlatState(
            weights=self._stack.weights[row],
            still=still,
            buffers=buffers,
            memory={name: known[name] for name in kind.rule.memory},
            tallies={name: known[name] for name in kind.rule.tallies},
            columns=self._stack.columns.row(row),
        )

    def state(self, number: int) -> dict[str, Any]:
        """Return what is saved of a member."""
        return self.row(number).state(self._stack.layout)

    def train(self, epochs: Mapping[int, int], max_epochs: int) -> None:
        """Show each member every example once; `epochs` counts, by number, those it was trained for before."""
        for rows in self._blocks():
            self._train_block(rows, [epochs[member.number] for member in self.members[rows]], max_epochs)

    @torch.no_grad()
    def evaluate(self) -> dict[int, dict[str, float]]:
        """Return every member's metrics on its validation examples."""
        metrics = {}
        for rows in self._read_at_once():
            for member, outputs in zip(self.members[rows], self._outputs(rows), strict=True):
                examples = member.data.validation
                metrics[member.number] = scored(member.loss, member.data, examples, outputs, member.rows)
        return metrics

    def _blocks(self) -> Iterator[slice]:
        """Yield the rows that are trained at once: on a CPU as many as its cache holds, elsewhere all."""
        count, weights = self._stack.weights.shape
        size = (
            max(1, self.members[0].data.block_weights // weights) if self._stack.weights.device.type == "cpu" else count
        )
        yield from _even(0, count, size)

    def _read_at_once(self) -> Iterator[slice]:
        """Yield the rows that are evaluated at once: as many as do not multiply what one alone needs."""
        data = self.members[0].data
        count = max(1, len(data.validation.targets))
        size = max(1, _EVALUATED_AT_ONCE // count)
        if not (self.layout.shares_inputs and _are_one([member.data.validation for member in self.members])):
            # Examples of its own for each row are copied side by side: no more than one row's, unless those are few.
            size = max(1, min(size, max(_COPIED, count) // min(data.at_once, count)))
        for block in self._blocks():
            yield from _even(block.start, block.stop, size)

    def _train_block(self, rows: slice, epochs: Sequence[int], max_epochs: int) -> None:
        members = self.members[rows]
        parts = _parts(members, epochs, self.batch_size)
        train = _Gathered([member.data.train for member in members])
        leaves, loss, steppers = self._stack.leaves(rows), _loss_of(members), [*self._steppers(rows)]
        lrs = _lrs(members, epochs, len(parts), max_epochs).to(self._stack.weights.device)
        for part, lr in zip(parts, lrs, strict=True):
            outputs = self._stack.forward(leaves, rows, train.features(part), training=True)
            check_outputs(outputs.shape[2], members[0].data.task, members[0].data.outputs)
            found = gradients(loss(outputs, train.targets(part)), leaves)
            for stepper in steppers:
                stepper.step(found, lr)

    def _steppers(self, block: slice) -> Iterator["_Stepper"]:
        for kind in self._kinds:
            begin, end = max(kind.rows.start, block.start), min(kind.rows.stop, block.stop)
            if begin < end:
                yield _Stepper(kind, slice(begin, end), block.start, self._stack.weights, self.layout)

    def _outputs(self, rows: slice) -> Tensor:
        examples = [member.data.validation for member in self.members[rows]]
        shared = _are_one(examples)
        weights = self._stack.layout.parts(self._stack.weights[rows])
        forward = partial(self._stack.forward, weights, rows, training=False, shared=shared)
        # As many at once as alone: some models compute something of all examples that they see together.
        parts = (torch.split(each.features, self.members[0].data.at_once) for each in examples[: 1 if shared else None])
        outputs = [forward(seen[0].clone() if shared else torch.stack(seen)) for seen in zip(*parts, strict=True)]
        return torch.cat(outputs, dim=1)


def _even(begin: int, end: int, most: int) -> Iterator[slice]:
    """Yield slices of at most so many, of which each is about as long as the others."""
    count = end - begin
    size = -(-count // -(-count // most))
    yield from (slice(first, min(first + size, end)) for first in range(begin, end, size))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _OptimizerGroup:
    """The rows whose members have the same optimizer, and what it needs of each: a row of `memory` and `numbers`."""

    rule: type[Optimizer]
    rows: slice
    memory: Mapping[str, Tensor]
    numbers: Mapping[str, Tensor]


def _kinds(rules: Sequence[Optimizer], memories: Sequence[Mapping[str, Tensor]]) -> Iterator[_OptimizerGroup]:
    begin = 0
    for _, group in groupby(rules, key=type):
        same = [*group]
        first: Any = same[0]
        rule = type(same[0])
        rows = slice(begin, begin + len(same))
        remembered = memories[rows]
        yield _OptimizerGroup(
            rule=rule,
            rows=rows,
            memory={name: torch.stack([each[name] for each in remembered]) for name in (*rule.memory, *rule.tallies)},
            numbers={
                field.name: _column([float(getattr(each, field.name)) for each in same]) for field in fields(first)
            },
        )
        begin = rows.stop


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


@final
class _Stepper:
    """One optimizer's rows within a block."""

    def __init__(self, kind: _OptimizerGroup, rows: slice, block_begin: int, weights: Tensor, layout: Layout) -> None:
        self._rule = kind.rule
        self._parts = layout.tensors
        scale = layout.scale(kind.rule.family)
        self._scale = None if scale is None else scale.to(weights)
        self._here = slice(rows.start - block_begin, rows.stop - block_begin)
        mine = slice(rows.start - kind.rows.start, rows.stop - kind.rows.start)
        self._weights = weights[rows].detach()
        self._memory = {name: each[mine] for name, each in kind.memory.items()}
        self._numbers = {name: each[mine].to(weights.device) for name, each in kind.numbers.items()}
        self._columns = {name: each.to(weights.dtype) for name, each in self._numbers.items()}
        if self._scale is not None and self._rule.decoupled:
            self._columns["weight_decay"] = self._columns["weight_decay"] / self._scale
        clip = self._columns["clip"]
        self._clips = bool((clip > 0).any())
        self._clip = torch.where(clip > 0, clip, torch.inf)

    def step(self, block_gradients: Tensor, lr: Tensor) -> None:
        """Step these rows; `lr` has the whole block's rates, a column."""
        found = block_gradients[self._here]
        if self._clips:
            norms = torch.linalg.vector_norm(found, dim=1, keepdim=True)
            found = found * (self._clip / (norms + 1e-6)).clamp(max=1.0)
        rates = lr[self._here]
        column = rates.to(found.dtype)
        self._rule.update(
            OptimizerBatch(
                weights=self._weights,
                gradients=found,
                memory=self._memory,
                numbers={**self._numbers, "lr": rates},
                columns={**self._columns, "lr": column if self._scale is None else column * self._scale},
                scale=self._scale,
                parts=self._parts,
            )
        )


def _loss_of(members: Sequence[CohortMember]) -> "BatchLoss":
    device = members[0].data.train.device
    return BatchLoss([each.loss for each in members], [each.class_weights for each in members], device)


def _parts(members: Sequence[CohortMember], epochs: Sequence[int], batch_size: int) -> Sequence[Tensor]:
    """Return which examples each step of an epoch shows, (rows, batch), shuffled as each member is alone."""
    orders = [
        _narrow(each.data.train.order(each.seed, epoch, batch_size, of_epoch(each.seed, epoch)))
        for each, epoch in zip(members, epochs, strict=True)
    ]
    width = torch.int64 if any(order.dtype is torch.int64 for order in orders) else torch.int32
    stacked = torch.stack([order.to(width) for order in orders])
    return batched(stacked.to(members[0].data.train.device), batch_size, dim=1)


def _narrow(order: Tensor) -> Tensor:
    """Return the places in half the bits, if they fit: of narrow examples the orders are the larger part."""
    return order.to(torch.int32) if int(order.max()) < 2**31 else order


@final
class _Gathered:
    """The examples of several members, of which one step's are gathered at a time: never a copy for each member."""

    def __init__(self, examples: Sequence[TrainingExamples]) -> None:
        self._rows: dict[int, list[int]] = {}
        for row, each in enumerate(examples):
            self._rows.setdefault(id(each), []).append(row)
        self._examples = {id(each): each for each in examples}

    def features(self, part: Tensor) -> Tensor:
        """Return what the members are shown, (rows, batch, *shape)."""
        found = [
            self._examples[each].inputs(part if len(self._rows) == 1 else part[rows])
            for each, rows in self._rows.items()
        ]
        if len(found) == 1:
            return found[0]
        features = found[0].new_empty(part.shape + found[0].shape[2:])
        for rows, mine in zip(self._rows.values(), found, strict=True):
            features[rows] = mine
        return features

    def targets(self, part: Tensor) -> Tensor:
        """Return what they are trained towards, (rows, batch)."""
        return next(iter(self._examples.values())).answers(part)


def _are_one(examples: Sequence[Examples]) -> bool:
    return all(each is examples[0] for each in examples)


def _lrs(members: Sequence[CohortMember], epochs: Sequence[int], steps: int, max_epochs: int) -> Tensor:
    """Return the learning rates of an epoch, (steps, rows, 1)."""
    rates = [
        [
            each.rule.lr * each.lr_schedule.multiplier(progress(epoch, step, steps, max_epochs), steps * max_epochs)
            for step in range(steps)
        ]
        for each, epoch in zip(members, epochs, strict=True)
    ]
    return torch.tensor(rates, dtype=torch.float64).T[..., None]
