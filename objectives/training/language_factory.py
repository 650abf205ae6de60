"""Trainer factory of a language study: opens its tokens and builds learners from configurations."""

from collections.abc import Collection, Mapping
from typing import Any, final

import torch
from torch import nn

from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model
from tuner.domain.size_probe import SizeProbe
from tuner.domain.trial import Trial
from tuner.objectives._components import BATCH_SIZE, part
from tuner.objectives._language_settings import DEFAULT_BATCH_SIZE, LanguageSettings
from tuner.objectives._tasks import Task
from tuner.objectives.architectures.decoder import DecoderModel
from tuner.objectives.optimizers._optimizer import TensorRole, grouped
from tuner.objectives.text.token_cache import TokenData
from tuner.objectives.text.tokens import saved
from tuner.objectives.training.compiled_code import keep_compiled_code_private
from tuner.objectives.training.data import Data
from tuner.objectives.training.data_parallel import replica_of
from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.language_data import LanguageData
from tuner.objectives.training.language_model import assembled, decoder_of
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.next_token import NextToken, NextTokenLoss
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.saved_trial import saved_state
from tuner.objectives.training.seeding import weights_drawn
from tuner.objectives.training.size_probe import probed

_BLOCK_WEIGHTS = 1_200_000
"""How many weights are trained at once on a CPU: a step of tokens computes more with each than one of table rows."""


@final
class LanguageFactory:
    """A worker's tokens, and the decoders that learn from them."""

    def __init__(self, tokens: TokenData, settings: LanguageSettings, wanted: Collection[str], seed: int) -> None:
        self.wanted = wanted
        self._tokens = tokens
        self._settings = settings
        self._seed = seed
        self._precision = Precision(settings.precision)
        self._data = LanguageData(
            tokens,
            context=settings.context,
            steps=settings.steps,
            evaluation_tokens=settings.evaluation_tokens,
            block_weights=_BLOCK_WEIGHTS,
        )

    def data(self, trial: Trial) -> Data:
        """Return the data as the trial's filters leave it."""
        return self._data.of(trial)

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""
        rule, lr_schedule = (part(trial.config, kind, Task.LANGUAGE).build() for kind in ("optimizer", "lr_schedule"))
        with weights_drawn(trial.seed, trial.device):
            model = NextToken(self._decoder(trial)).to(trial.device)
        roles = _roles(model)
        batch_size = trial.config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE)
        replica = replica_of(model, trial, batch_size, sharded=_layers(model) if self._settings.sharded else None)
        parameters = dict(model.named_parameters())
        learner = TrainState(
            model=model,
            loss=NextTokenLoss(),
            build_optimizer=lambda: rule.build(
                grouped([*parameters.values()], [roles[name] for name in parameters], rule)
            ),
            lr_schedule=lr_schedule,
            rule=rule,
            batch_size=batch_size,
            precision=self._precision,
            replica=replica,
            micro_batch=self._settings.micro_batch,
        )
        if state is not None:
            learner.resume(state)
        return learner

    def _decoder(self, trial: Trial) -> DecoderModel:
        model = decoder_of(trial.config, self._settings, self._tokens.vocabulary)
        model.blocks.recomputes = self._settings.recompute_activations
        model.blocks.compiles = self._settings.compile
        if self._settings.compile:
            keep_compiled_code_private()
        return model

    def model(self, trial: Trial) -> Model:
        """Return the trial's saved state as a model that answers."""
        if self._settings.is_token_file:
            raise ConfigurationError(
                f"settings.dataset: {self._settings.dataset} has tokens, and what they stand for is not known here",
                hint="a study of texts, with settings.tokenizer, has a model that reads texts",
            )
        state = saved_state(trial, "answer with")
        return assembled(
            saved(self._tokens.parts["train"].file.parent),
            state["model"],
            vocabulary=self._tokens.vocabulary,
            config=trial.config,
            settings=trial.settings,
            seed=self._seed,
        )

    def probe(self, trial: Trial, steps: int) -> SizeProbe:
        """Return what so many steps show of the trial's model; with 0 the model is counted, and takes no memory."""
        data = self.data(trial)
        if not steps:
            with torch.device("meta"):
                weights = sum(each.numel() for each in self._decoder(trial).parameters())
            return SizeProbe(weights=weights, epoch_steps=self._settings.steps)
        learner = self.learner(trial, data, None)
        assert isinstance(learner.model, NextToken)
        decoder = _decoder_of(learner.model)
        layers = {"hidden": decoder.blocks, "logits": decoder.scale}
        return probed(learner, data, layers, seed=trial.seed, steps=steps)

    def layout(self, trial: Trial, learner: TrainState) -> Layout:
        """Return how the learner's tensors lie beside those of others, and what each of them is."""
        del trial
        assert isinstance(learner.model, NextToken)
        return Layout.of(learner.model, roles=_roles(learner.model))


def _roles(model: NextToken) -> Mapping[str, TensorRole]:
    return {f"decoder.{name}": role for name, role in _decoder_of(model).roles().items()}


def _layers(model: NextToken) -> nn.Module:
    return _decoder_of(model).blocks


def _decoder_of(model: NextToken) -> DecoderModel:
    assert isinstance(model.decoder, DecoderModel)
    return model.decoder
