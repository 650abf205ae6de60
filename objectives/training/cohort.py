"""Cohort: trials of one shape, trained as one batched model where that is faster, else in turn."""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, final

import torch

from tuner.domain.objective import Cohort
from tuner.domain.trial import Failure, Metrics, Trial
from tuner.objectives.training.batched import BatchedTrainer, CohortMember
from tuner.objectives.training.data import Data
from tuner.objectives.training.flat_state import FlatState, Layout, share_still
from tuner.objectives.training.layer_attributes import Place, numbers
from tuner.objectives.training.loop import TrainState, evaluate, train_epoch
from tuner.objectives.training.model_cost import footprint
from tuner.objectives.training.seeding import epoch_drawn, seed_epoch

_LEAST_MEMBERS = 4
"""Three models at once take as long as one after the other."""

_LEAST_IN_A_BLOCK = 8
"""A model of which fewer fit into a CPU's cache keeps it busy alone."""


class TrainerSource(Protocol):
    """Where trials get their data and learners: the worker's trainer factory."""

    wanted: Collection[str]
    """The metrics that the study looks at."""

    def data(self, trial: Trial) -> Data:
        """Return the data as the trial's configuration wants it."""

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""

    def layout(self, trial: Trial, learner: TrainState) -> Layout | None:
        """Return how the learner's tensors lie beside those of others of its shape; None where each trains alone."""


@final
@dataclass(slots=True)
class _Member:
    """A trial that is being trained, and how far it is."""

    trial: Trial
    data: Data
    epoch: int
    footprint: Mapping[str, float]
    numbers: Mapping[Place, float]
    note: str

    def fixed(self, layout: Layout) -> frozenset[tuple[Place, float]]:
        """Return the numbers of the trial's layers of which a batch has but one for all."""
        return frozenset(each for each in self.numbers.items() if each[0] not in layout.columns)


@final
class SupervisedCohort(Cohort):
    """Trials whose models have the same shape and whose batches have the same size.

    A member's state is the same whichever way it is trained, so it can change with every coming and going: a cohort of
    which one trial is left trains it as any single trial is trained.
    """

    def __init__(self, trainers: TrainerSource, trials: Sequence[Trial]) -> None:
        self._trainers = trainers
        self._members: dict[int, _Member] = {}
        self.learners: dict[int, TrainState] = {}
        """The members by number that train each in its turn; none while they are batched."""
        self.batch: BatchedTrainer | None = None
        """The members as one model; None while they train in turn."""
        self._layout: Layout | None = None
        self._over: set[int] = set()
        self._together = 0, ""
        self.add(trials)

    @property
    def is_batched(self) -> bool:
        """Whether the members are trained at once."""
        return self.batch is not None

    def together(self) -> tuple[int, str]:
        return self._together

    def notes(self) -> Mapping[int, str]:
        return {number: member.note for number, member in self._members.items() if member.note}

    def add(self, trials: Sequence[Trial]) -> None:
        with _memory_errors():
            for trial in trials:
                data = self._trainers.data(trial)
                self._admit(trial, data, self._trainers.learner(trial, data, trial.load()), trial.epoch)
                self._share_what_is_still(trial.number, len(trials))
            self._arrange()

    def advance(self) -> Mapping[int, Metrics | Failure | None]:
        over = {number for number, member in self._members.items() if member.epoch >= member.trial.max_epochs}
        if over:
            self.drop(over)
            self._over |= over
        self._together = (1, self._apart(len(self._members))) if self.batch is None else (len(self.batch.numbers), "")
        with _memory_errors():
            outcomes = self._train_together(self.batch) if self.batch is not None else self._train_in_turn()
        for member in self._members.values():
            member.epoch += 1
        measured = {number: {**metrics, **self._members[number].footprint} for number, metrics in outcomes.items()}
        return {**dict.fromkeys(self._over), **measured}

    def save(self, numbers: Collection[int]) -> None:
        for number in numbers:
            self._members[number].trial.save(self._state(number))

    def drop(self, numbers: Collection[int]) -> None:
        self._over.difference_update(numbers)
        for number in numbers:
            self._members.pop(number, None)
            self.learners.pop(number, None)
        with _memory_errors():
            self._arrange()

    def exploit(self, trial: Trial, source: int) -> None:
        with _memory_errors():
            state, member = copy.deepcopy(self._state(source)), self._members[trial.number]
            data = self._trainers.data(trial)
            learner = self._trainers.learner(trial, data, None)
            same = self._rule(source) is type(learner.rule)
            learner.resume({"model": state["model"], "optimizer": state["optimizer"] if same else {}})
            self._admit(trial, data, learner, member.epoch)
            self._arrange(replaced=trial.number)

    def _admit(self, trial: Trial, data: Data, learner: TrainState, epoch: int) -> None:
        # While it still is a model on its own: as the template of a batch it computes in another way.
        self._members[trial.number] = _Member(
            trial,
            data,
            epoch,
            footprint=footprint(learner, data, self._trainers.wanted),
            numbers=numbers(learner.model),
            note=learner.lr_schedule.note(data.train.epoch_steps(learner.batch_size) * trial.max_epochs),
        )
        self.learners[trial.number] = learner

    def _rule(self, number: int) -> type:
        """Return the kind of a member's optimizer."""
        if number in self.learners:
            return type(self.learners[number].rule)
        assert self.batch is not None  # every member is in one of the two
        return type(self.batch.member(number).rule)

    def _state(self, number: int) -> dict[str, Any]:
        if number in self.learners:
            return self.learners[number].state()
        assert self.batch is not None  # every member is in one of the two
        return self.batch.state(number)

    def _train_together(self, batch: BatchedTrainer) -> Mapping[int, Metrics]:
        members = [self._members[each.number] for each in batch.members]
        # Only dropout draws from the global generator, differently for each member.
        seed_epoch(members[0].trial.seed, members[0].epoch, members[0].trial.device)
        batch.train({member.trial.number: member.epoch for member in members}, members[0].trial.max_epochs)
        return batch.evaluate()

    def _train_in_turn(self) -> Mapping[int, Metrics]:
        outcomes = {}
        for number, member in self._members.items():
            learner, trial = self.learners[number], member.trial
            with epoch_drawn(trial.seed, member.epoch, trial.device):
                train_epoch(
                    learner, member.data.train, epoch=member.epoch, max_epochs=trial.max_epochs, seed=trial.seed
                )
                outcomes[number] = evaluate(learner, member.data, member.data.validation, trial.rows)
        return outcomes

    def _arrange(self, replaced: int | None = None) -> None:
        """Bring the members that are here now into the form that trains them fastest."""
        batch = self.batch
        staying = (
            [number for number in batch.numbers if number in self._members and number != replaced] if batch else []
        )
        if batch is not None and len(staying) == len(batch.numbers) and not self.learners:
            return
        if not self._apart(len(self._members)):
            self.batch, self.learners = self._batched(staying), {}
            return
        for number in staying:
            member = self._members[number]
            self.learners[number] = self._trainers.learner(member.trial, member.data, self._state(number))
        self.batch = None

    def _share_what_is_still(self, number: int, coming: int) -> None:
        """Let a new member hold what training leaves as it is where another one does, if they are to train at once."""
        if self.batch is None and coming >= _LEAST_MEMBERS and len(self.learners) > 1 and not self._apart(coming):
            first = next(iter(self.learners.values()))
            share_still(first.model, self.learners[number].model)

    def _apart(self, members: int) -> str:
        """Return why so many members are trained each in its turn; nothing where they are trained as one."""
        if members < _LEAST_MEMBERS:
            return f"fewer than {_LEAST_MEMBERS} trials of one shape were in training"
        layout = self._side_by_side()
        if layout is None:
            return "the models do not compute together what each does alone"
        if len({member.fixed(layout) for member in self._members.values()}) > 1:
            return "the models differ in numbers that cannot vary in a batch"
        member = next(iter(self._members.values()))
        is_large = layout.keeps_busy or self._weights() * _LEAST_IN_A_BLOCK > member.data.block_weights
        if torch.device(member.trial.device).type == "cpu" and is_large:
            return f"a model of {self._weights():,} weights keeps a processor busy alone"
        return ""

    def _side_by_side(self) -> Layout | None:
        """Return how the members' tensors lie side by side; None where each is to be trained alone."""
        if self.batch is not None:
            return self.batch.layout
        if self._layout is None:
            number, learner = next(iter(self.learners.items()))
            self._layout = self._trainers.layout(self._members[number].trial, learner)
        return self._layout

    def _weights(self) -> int:
        """Return how many weights a model has."""
        model = self.batch.template if self.batch is not None else next(iter(self.learners.values())).model
        return sum(parameter.numel() for parameter in model.parameters())

    def _batched(self, staying: Sequence[int]) -> BatchedTrainer:
        """Return a batch of the members that stay from the one before and of all that have a learner."""
        batch, layout = self.batch, self._side_by_side()
        assert layout is not None  # or it would not pay
        members = [(batch.member(number), batch.row(number)) for number in staying] if batch is not None else []
        for number, learner in self.learners.items():
            member = self._members[number]
            members.append((CohortMember.of(member.trial, member.data, learner), FlatState.of(learner, layout)))
        if batch is not None:
            return BatchedTrainer(batch.template, layout, members, batch.batch_size, batch.precision)
        learner = next(iter(self.learners.values()))
        return BatchedTrainer(learner.model, layout, members, learner.batch_size, learner.precision)


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Say `MemoryError` where a device, or torch's allocator on a CPU, has no memory left."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise MemoryError(str(error)) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MemoryError(str(error)) from error
