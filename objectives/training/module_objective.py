"""Your own model as an objective whose trials train together: inherit `OwnModel` and write three methods."""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.errors import ConfigurationError, described
from tuner.domain.goal import OF_MODELS
from tuner.domain.model import Model, SavedModel
from tuner.domain.objective import Cohort, Objective
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.trial import Metrics, Trial
from tuner.objectives._components import BATCH_SIZE, DEFAULT_BATCH_SIZE, part
from tuner.objectives._tasks import Task
from tuner.objectives.architectures._layers import Dropout
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training.batching_check import made_comparable, prove
from tuner.objectives.training.batching_exercise import Exercise
from tuner.objectives.training.batching_proof import Proof
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.objectives.training.data import Data
from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.inputs import TensorInputs
from tuner.objectives.training.layer_attributes import Place, numbers
from tuner.objectives.training.loop import TrainState, batched, outputs_of
from tuner.objectives.training.metrics import DIRECTIONS
from tuner.objectives.training.model_fingerprint import digest_of, plain_globals_kept, traits_of
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.model_signature import answered, check_outputs, complete, read
from tuner.objectives.training.module_examples import ModuleExamples
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.predictor import BUFFERS, TrainedModel, network_with
from tuner.objectives.training.recorded_config import Path, Watched, values_at
from tuner.objectives.training.saved_trial import saved_state, tested
from tuner.objectives.training.seeding import undisturbed, weights_drawn
from tuner.objectives.training.trainer_factory import learner_of
from tuner.objectives.training.value_digest import IncomparableError, is_library

__all__ = ["Dropout", "OwnModel", "Task"]

_LARGE = 1_000_000
"""From so many weights on a model is tried with a few examples alone."""
_FEW = 12


class OwnModel(Objective):
    """Trains a plain `nn.Module` on tensors, many configurations at a time.

    A configuration chooses `optimizer`, `lr_schedule` and `loss` by the names of their catalogues, `batch_size`, and
    whatever else `build` reads. Trials train as one batched model where their modules differ in nothing but the values
    of their tensors and real numbers that layers keep, such as a share of dropout, and where a few steps of training
    have shown that this gives what each gives alone.
    """

    grows: ClassVar[bool] = True
    exploits: ClassVar[bool] = True
    isolated: ClassVar[bool] = False
    task: ClassVar[Task] = Task.CLASSIFICATION
    """Classes, whole numbers from 0, or values: then the model has one output."""

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self.settings = Config(settings)
        self.seed = seed
        self._judgements: dict[tuple[str, tuple[Path, ...]], dict[Hashable, _Judgement]] = {}
        self._columns: dict[Hashable, AbstractSet[Place]] = {}
        self._proofs: dict[Hashable, Proof] = {}
        self._wanted: Collection[str] = ()

    @abstractmethod
    def build(self, config: Config) -> nn.Module:
        """Return the model with weights drawn from the global generators, which the trial has seeded.

        It takes (batch, *shape of an example) and answers (batch, outputs); for values (batch,) will do.
        """

    @abstractmethod
    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        """Return the inputs and targets of "train", "validation" or "test"; None where there is no test split.

        Targets are (examples,) or (examples, 1): classes as whole numbers from 0, or values.
        """

    def loss(self, config: Config) -> Loss:
        """Return the loss: by default the one that the configuration names."""
        loss: Loss = part(config, "loss", self.task).build()
        return loss

    def metrics(self) -> Mapping[str, Direction]:
        return {**DIRECTIONS[self.task], **OF_MODELS}

    def want(self, metrics: Collection[str]) -> None:
        self._wanted = metrics

    def problems(self, space: SearchSpace) -> Sequence[str]:
        return tuple(self._problems(space.default))

    def notes(self, space: SearchSpace) -> Sequence[str]:
        reason = self.obstacle(space.default)
        if reason is not None:
            return (f"trials are trained one by one: {reason}",)
        others = {words: self.obstacle(config) for words, config in _one_choice_away(space)}
        return tuple(f"trials with {words} are trained one by one: {why}" for words, why in others.items() if why)

    def cohort_key(self, config: Config) -> Hashable | None:
        return self._judged(config, "cpu").key

    def obstacle(self, config: Config) -> str | None:
        """Return why models like this one cannot be trained as one; None where they can."""
        return self._judged(config, "cpu").obstacle

    def layout(self, config: Config, device: str) -> Layout | None:
        """Return how the tensors of models like this one lie side by side; None where each trains alone."""
        judged = self._judged(config, device)
        return None if judged.key is None else self._proofs[judged.key, device].layout

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return SupervisedCohort(self._factory, trials)

    def test(self, trial: Trial) -> Metrics | None:
        self._factory.data(trial)  # which says what is wrong with the examples
        return None if self.examples("test") is None else tested(self._factory, trial)

    def model(self, trial: Trial) -> Model:
        state = saved_state(trial, "answer with")
        inputs = TensorInputs(self._factory.examples.checked("train")[0][:2].cpu())

        def build() -> nn.Module:
            with weights_drawn(trial.seed, "cpu"):
                return complete(self.built(trial.config), inputs.example())

        network = network_with(build, state["model"], state.get("buffers", {}), without_memory=False)
        outputs = outputs_of(network.eval(), inputs.example(), Precision.FLOAT32, read(network)).shape[1]
        classes = np.arange(outputs) if self.task is Task.CLASSIFICATION else None
        return self._trained(
            network, inputs, Answers(task=self.task, loss=self.loss(trial.config), classes=classes), trial.config
        )

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        own = cls(saved.settings, saved.seed)
        inputs = TensorInputs(saved.preparation["example"])
        network = network_with(
            lambda: complete(own.built(saved.config), inputs.example()),
            saved.weights,
            saved.preparation.get(BUFFERS, {}),
            without_memory=False,
        )
        return own._trained(network, inputs, Answers.of(saved.description, own.loss(saved.config)), saved.config)

    def _trained(self, network: nn.Module, inputs: TensorInputs, answers: Answers, config: Config) -> Model:
        origin = ModelOrigin(config, self.settings, self.seed)
        return TrainedModel(network, inputs=inputs, answers=answers, origin=origin)

    @cached_property
    def _factory(self) -> "_OwnTrainerFactory":
        return _OwnTrainerFactory(self, self._wanted)

    def _judged(self, config: Config, device: str) -> "_Judgement":
        """Return what is known of a configuration's model, found out once for all of which `build` reads the same."""
        for (where, paths), known in self._judgements.items():
            if where == device and (judgement := known.get(values_at(config, paths))) is not None:
                return judgement
        seen: dict[Path, None] = {}
        with undisturbed(), plain_globals_kept(type(self).__module__):
            try:
                judgement = self._judgement(Watched(config, seen), config, device)
            except IncomparableError as error:
                judgement = _Judgement(obstacle=str(error))
            except Exception as error:  # noqa: BLE001 - it is the trial's failure, which says more
                judgement = _Judgement(obstacle=f"it fails by itself, {described(error)}")
        self._judgements.setdefault((device, tuple(seen)), {})[values_at(config, tuple(seen))] = judgement
        return judgement

    def _judgement(self, watched: Config, config: Config, device: str) -> "_Judgement":
        model = self._built(watched, device, seed=0)
        rest = watched.get(BATCH_SIZE, DEFAULT_BATCH_SIZE), self._kind_of_loss(watched)

        def proven(columns: Collection[Place] | None) -> Proof:
            exercise = self._exercise(config, device, model)
            return prove(lambda seed: self._built(watched, device, seed=seed), exercise, columns)

        places = numbers(model).keys()
        traits = digest_of(traits_of(model, places))
        kind = traits, *rest, device
        proof = None
        if kind not in self._columns:
            proof = proven(None)
            self._columns[kind] = proof.layout.columns if proof.layout is not None else frozenset()
        columns = self._columns[kind]
        key = traits if columns == places else digest_of(traits_of(model, columns)), *rest
        fresh = (key, device) not in self._proofs
        if fresh:
            self._proofs[key, device] = proof or proven(columns)
        proof = self._proofs[key, device]
        if proof.obstacle is not None:
            return _Judgement(obstacle=proof.obstacle)
        if not fresh and proof.example is not None and not proof.example.fits(made_comparable(model)):
            return _Judgement(
                obstacle="the model computes something else than others of the same layers, attributes and shapes; "
                "does it read a number that is kept outside of it?"
            )
        return _Judgement(key=key)

    def _kind_of_loss(self, config: Config) -> str | None:
        """Return what a person's own loss is called; None for those that ship, which are known to be fine together."""
        if type(self).loss is OwnModel.loss:
            return None
        kind = type(self.loss(config))
        return None if is_library(kind) else f"{kind.__module__}.{kind.__qualname__}"

    def built(self, config: Config) -> nn.Module:
        """Return what `build` makes; raises `ConfigurationError` where it is not a module."""
        model = self.build(config)
        if not isinstance(model, nn.Module):
            raise ConfigurationError(f"build gave a {type(model).__name__}; wanted is a torch.nn.Module")
        return model

    def _built(self, config: Config, device: str, *, seed: int) -> nn.Module:
        with weights_drawn(seed, device):
            return complete(self.built(config).to(device), self._factory.examples.sample.features.to(device))

    def _exercise(self, config: Config, device: str, model: nn.Module) -> Exercise:
        sample = self._factory.examples.sample
        moved = replace(sample, features=sample.features.to(device), targets=sample.targets.to(device))
        size, count = config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE), self._factory.examples.known("train").count
        return Exercise(
            loss=self.loss(config),
            examples=moved,
            task=self.task,
            classes=self._factory.examples.classes,
            device=device,
            # Of a large model, examples of the usual batch would cost more than they can show.
            batch_size=size if sum(each.numel() for each in model.parameters()) <= _LARGE else min(size, _FEW),
            last_batch=len(batched(torch.arange(count), min(size, count), dim=0)[-1]),
        )

    def _problems(self, default: Config) -> Iterator[str]:
        """Yield what the examples have that nothing can be trained with, and what the default model does not answer."""
        try:
            yield from self._factory.examples.problems()
        except ConfigurationError as error:
            yield from error.problems
            return
        except Exception as error:  # noqa: BLE001 - it is a person's code
            yield f"examples: {described(error)}"
            return
        yield from self._of_outputs(default)

    def _of_outputs(self, config: Config) -> Iterator[str]:
        with undisturbed(), plain_globals_kept(type(self).__module__), torch.no_grad():
            try:
                model, inputs = (
                    self._built(config, "cpu", seed=0).eval(),
                    self._factory.examples.sample.features[:2].clone(),
                )
                outputs = answered(model(read(model)(inputs)), len(inputs))
                check_outputs(outputs.shape[1], self.task, self._factory.examples.classes)
            except ConfigurationError as error:
                yield from error.problems
            except Exception:  # noqa: BLE001, S110 - it is the trial's failure, with its traceback
                pass


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    """What is known of a configuration's model: its key, or why it trains alone."""

    key: Hashable | None = None
    obstacle: str | None = None


@final
class _OwnTrainerFactory:
    """Where an own model's trials get their data and learners."""

    def __init__(self, objective: OwnModel, wanted: Collection[str]) -> None:
        self.wanted = wanted
        self._objective = objective
        self._precision = Precision(objective.settings.get("precision", Precision.FLOAT32.value))
        self._data: dict[str, Data] = {}
        self.examples = ModuleExamples(objective.examples, objective.task, type(objective).__name__)

    def data(self, trial: Trial) -> Data:
        if trial.device not in self._data:
            train, validation = (self.examples.on_device(split, trial.device) for split in ("train", "validation"))
            self._data[trial.device] = Data(
                task=self._objective.task,
                outputs=self.examples.classes,
                train=train,
                validation=validation,
                make_test=lambda: self.examples.on_device("test", trial.device),
            )
        return self._data[trial.device]

    def layout(self, trial: Trial, learner: TrainState) -> Layout | None:
        """Return how the learner's tensors lie beside those of others of its shape; None where each trains alone."""
        del learner
        return self._objective.layout(trial.config, trial.device)

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        own, config = self._objective, trial.config
        learner = learner_of(trial, data, lambda: own.built(config), own.loss(config), precision=self._precision)
        if state is not None:
            learner.resume(state)
        return learner


def _one_choice_away(space: SearchSpace) -> Iterator[tuple[str, Config]]:
    """Yield, with what they have chosen in words, the configurations that are one choice away from the default."""
    default = space.flatten(space.default)
    for path, parameter in space.parameters.items():
        options = parameter.options if isinstance(parameter, Choice) and path in default else ()
        for option in options:
            if option != default[path]:
                changed = {**default, path: option}
                yield f"{path} = {option!r}", space.build(partial(_chosen, changed))


def _chosen(values: Mapping[str, Scalar], path: str, parameter: Parameter) -> Scalar:
    return values.get(path, parameter.default)
