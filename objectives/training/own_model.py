"""Your own model as an objective whose trials train together: inherit `OwnModel` and write three methods."""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from tuner.domain.config import Config
from tuner.domain.goal import OF_MODELS
from tuner.domain.model import Model, SavedModel
from tuner.domain.objective import Cohort, Objective
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.trial import Metrics, Trial
from tuner.objectives._parts import BATCH_SIZE, DEFAULT_BATCH_SIZE, part
from tuner.objectives._tasks import Task
from tuner.objectives.architectures._layers import Batchable, Dropout
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training.answers import Answers
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.objectives.training.columns import Place, columns_of, is_column, numbers, with_columns, without_columns
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.footprint import footprint
from tuner.objectives.training.inputs import TensorInputs
from tuner.objectives.training.loop import Learner, evaluate
from tuner.objectives.training.metrics import DIRECTIONS
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.row import Layout, Row
from tuner.objectives.training.stack import Stack
from tuner.objectives.training.trained import TrainedModel, network_with
from tuner.objectives.training.workshop import learner_of

__all__ = ["Dropout", "OwnModel", "Task"]

_TOLERANCE = 1e-3
_PROBED = 4
"""How many examples are shown to find out whether models compute the same together as alone."""


class OwnModel(Objective):
    """Trains a plain `nn.Module` on tensors, many configurations at a time.

    A configuration chooses `optimizer`, `lr_schedule` and `loss` by the names of their catalogues, `batch_size`, and
    whatever else `build` reads. Trials train as one batched model where their modules differ in nothing but the values
    of their tensors. With this module's `Dropout` the share may differ too, with torch's it may not.
    """

    grows: ClassVar[bool] = True
    exploits: ClassVar[bool] = True
    isolated: ClassVar[bool] = False
    task: ClassVar[Task] = Task.CLASSIFICATION
    """Classes, whole numbers from 0, or values: then the model has one output."""

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self.settings = Config(settings)
        self.seed = seed
        self._batchable: dict[Hashable, bool] = {}
        self._columns: dict[Hashable, frozenset[Place]] = {}
        self._wanted: Collection[str] = ()

    @abstractmethod
    def build(self, config: Config) -> nn.Module:
        """Return the model with weights drawn from torch's global generator, which the trial has seeded.

        It takes (batch, *shape of an example) and answers (batch, outputs).
        """

    @abstractmethod
    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        """Return the inputs and targets of "train", "validation" or "test"; None where there is no test split."""

    def loss(self, config: Config) -> Loss:
        """Return the loss: by default the one that the configuration names."""
        loss: Loss = part(config, "loss", self.task).build()
        return loss

    def metrics(self) -> Mapping[str, Direction]:
        return {**DIRECTIONS[self.task], **OF_MODELS}

    def want(self, metrics: Collection[str]) -> None:
        self._wanted = metrics

    def notes(self, space: SearchSpace) -> Sequence[str]:
        problem = self.obstacle(space.default)
        return () if problem is None else (f"trials are trained one by one: {problem}",)

    def cohort_key(self, config: Config) -> Hashable | None:
        model = self.columned(config)
        if next(_unlike(model), None) is not None:
            return None
        key = _shape(model), config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE)
        if key not in self._batchable:
            self._batchable[key] = self._failure_together(config) is None
        return key if self._batchable[key] else None

    def columned(self, config: Config) -> nn.Module:
        """Return the model, with columns in place of the numbers that may differ between members of a cohort."""
        model = self.build(config)
        places = frozenset(numbers(model))
        if not places or next(_unlike(model), None) is not None:
            return model
        kind = _shape(with_columns(model, places))
        if kind not in self._columns:
            self._columns[kind] = self._columns_like(config)
        return without_columns(model, places - self._columns[kind])

    def _columns_like(self, config: Config) -> frozenset[Place]:
        examples = self.examples("train")
        if examples is None:
            return frozenset()
        return columns_of(lambda: self.build(config), _run_together, examples[0][:_PROBED])

    def obstacle(self, config: Config) -> str | None:
        """Return why models like this one cannot be trained as one; None where they can."""
        return next(_unlike(self.build(config)), None) or self._failure_together(config)

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return SupervisedCohort(self._bench, trials)

    def test(self, trial: Trial) -> Metrics | None:
        data = self._bench.data(trial)
        if self.examples("test") is None:
            return None
        if (state := trial.load()) is None:
            raise ValueError(f"trial {trial.number} has no saved state to test")
        learner = self._bench.learner(trial, data, state)
        return evaluate(learner, data, data.test) | footprint(learner, data, self._wanted)

    def model(self, trial: Trial) -> Model:
        if (state := trial.load()) is None:
            raise ValueError(f"trial {trial.number} has no saved state to answer with")
        if (examples := self.examples("train")) is None:
            raise ValueError(f"{type(self).__name__}.examples('train') gave nothing")
        inputs = TensorInputs(examples[0][:2].cpu())
        network = network_with(lambda: self.build(trial.config), state["model"])
        with torch.no_grad():
            outputs = network.eval()(inputs.example()).shape[-1]
        classes = np.arange(outputs) if self.task is Task.CLASSIFICATION else None
        return self._trained(
            network, inputs, Answers(task=self.task, loss=self.loss(trial.config), classes=classes), trial.config
        )

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        own = cls(saved.settings, saved.seed)
        network = network_with(lambda: own.build(saved.config), saved.weights)
        inputs = TensorInputs(saved.preparation["example"])
        return own._trained(network, inputs, Answers.of(saved.description, own.loss(saved.config)), saved.config)

    def _trained(self, network: nn.Module, inputs: TensorInputs, answers: Answers, config: Config) -> Model:
        return TrainedModel(
            network,
            inputs=inputs,
            answers=answers,
            precision=Precision(self.settings.get("precision", Precision.FLOAT32.value)),
            config=config,
            settings=self.settings,
            seed=self.seed,
        )

    @cached_property
    def _bench(self) -> "_OwnBench":
        return _OwnBench(self, self._wanted)

    def _failure_together(self, config: Config) -> str | None:
        """Return what goes wrong where two models are run as one, on a few examples; None where nothing does."""
        examples = self.examples("train")
        if examples is None:
            return "there are no examples of the split 'train'"
        inputs = examples[0][:_PROBED]
        models = [self.build(config).eval() for _ in range(2)]
        with torch.no_grad():
            alone = torch.stack([model(inputs) for model in models])
        rows = [Row.of_model(model) for model in models]
        try:
            stack = Stack(models[0], rows)
            for training in (True, False):
                together = stack.forward(stack.leaves(slice(0, 2)), slice(0, 2), inputs, training=training, shared=True)
            together.sum().backward()  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, TypeError) as error:
            return str(error).strip().partition("\n")[0]
        if not torch.allclose(together, alone, rtol=_TOLERANCE, atol=_TOLERANCE):
            return "together they do not compute what each computes alone; does the model keep numbers outside tensors?"
        return None


@final
class _OwnBench:
    """Where an own model's trials get their data and learners."""

    def __init__(self, objective: OwnModel, wanted: Collection[str]) -> None:
        self.wanted = wanted
        self._objective = objective
        self._precision = Precision(objective.settings.get("precision", Precision.FLOAT32.value))
        self._data: dict[str, Data] = {}

    def data(self, trial: Trial) -> Data:
        if trial.device not in self._data:
            train, validation = (self._examples(split, trial.device) for split in ("train", "validation"))
            self._data[trial.device] = Data(
                task=self._objective.task,
                outputs=0,  # the model knows
                train=train,
                validation=validation,
                make_test=lambda: self._examples("test", trial.device),
            )
        return self._data[trial.device]

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> Learner:
        own, config = self._objective, trial.config
        return learner_of(
            trial, data, lambda: own.columned(config), own.loss(config), state=state, precision=self._precision
        )

    def _examples(self, split: str, device: str) -> Examples:
        found = self._objective.examples(split)
        if found is None:
            raise ValueError(f"{type(self._objective).__name__}.examples({split!r}) gave nothing")
        features, targets = found
        return Examples(features=features.to(device), targets=targets.to(device), measured=targets.cpu().numpy())


@torch.no_grad()
def _run_together(models: list[nn.Module], inputs: Tensor, training: bool) -> Tensor:  # noqa: FBT001 - as asked for
    rows = slice(0, len(models))
    stack = Stack(models[0], [Row.of_model(model) for model in models])
    return stack.forward(stack.leaves(rows), rows, inputs, training=training, shared=True)


def _shape(model: nn.Module) -> Hashable:
    """Return all that models have to have in common to be trained as one: everything but the values of tensors."""
    layout = Layout.of(model)
    buffers = tuple((name, buffer.shape) for name, buffer in model.named_buffers())
    plain = tuple((name, type(layer), tuple(_attributes(layer))) for name, layer in _foreign(model))
    return tuple(layout.shapes.items()), buffers, plain


def _unlike(model: nn.Module) -> Iterator[str]:
    """Yield what nobody can say of two models of this kind whether it is the same."""
    for name, layer in _foreign(model):
        where = f"layer {name!r}" if name else "the model"
        if isinstance(layer, nn.RNNBase):
            yield f"{where} is torch's {type(layer).__name__}, which cannot be run for many models at once"
        for attribute, value in _attributes(layer):
            if not isinstance(value, Hashable) or "object at 0x" in repr(value):
                yield f"{where} has an attribute {attribute!r} of type {type(value).__name__}, which cannot be compared"


def _foreign(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers, by name, that know nothing of cohorts: not those that do, nor what is inside of them."""
    knowing = {id(inner) for layer in model.modules() if isinstance(layer, Batchable) for inner in layer.modules()}
    yield from ((name, layer) for name, layer in model.named_modules() if id(layer) not in knowing)


def _attributes(layer: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield what a layer keeps beside tensors and layers."""
    for name, value in vars(layer).items():
        if name not in _OF_EVERY_MODULE and not is_column(layer, name):
            yield name, tuple(value) if isinstance(value, list) else value


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
