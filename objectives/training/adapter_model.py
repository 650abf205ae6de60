"""A fine-tuned model as a person uses it: texts in, classes out, or how well a language model predicts each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import torch

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import SavedModel
from tuner.formatting.values import amount
from tuner.objectives._components import part
from tuner.objectives._finetune_settings import FinetuneSettings
from tuner.objectives._finetune_space import lora_of
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.text.base_folder import BaseFolder, base_at
from tuner.objectives.training.adapted_model import AdaptedModel
from tuner.objectives.training.answering_model import AnsweringModel
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.next_token import NextTokenLoss, bits_per_byte, continued, picking
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.peft_format import write_adapter
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.pretrained_model import loaded
from tuner.objectives.training.text_inputs import texts_of
from tuner.objectives.training.text_tokens import TextTokens

_AT_ONCE = 64
_LISTED = 3


@final
class AdapterModel(AnsweringModel):
    """Adapters on their base, on the CPU. A language model answers with the bits a byte that it needs for each text."""

    def __init__(self, network: AdaptedModel, base: BaseFolder, answers: Answers, origin: ModelOrigin) -> None:
        super().__init__(answers)
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._base = base
        self._origin = origin
        self._settings = FinetuneSettings.of(origin.settings)
        self._tokens = TextTokens(base, self._settings.context)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self._settings.column,)

    @torch.no_grad()
    def raw_answers(self, inputs: Any) -> Array:
        texts = texts_of(inputs, self._settings.column)
        if self._answers.task is Task.LANGUAGE:
            return self._answers.decoded(torch.tensor([[self._bits_per_byte(text)] for text in texts]))
        parts = [self._tokens(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)]
        return self._answers.decoded(torch.cat([self.network(each) for each in parts]))

    def _bits_per_byte(self, text: str) -> float:
        end = self._base.end
        assert end is not None  # as all bases of language models have one
        ids = [end, *self._tokens.all_of(text), end]
        return bits_per_byte(self.network.logits, ids, self._settings.context, len(text.encode()))

    @torch.no_grad()
    def generate(self, text: str = "", *, tokens: int = 100, temperature: float = 1.0, seed: int = 0) -> str:
        end = self._base.end
        if self._answers.task is not Task.LANGUAGE or end is None:
            return super().generate(text)
        found = continued(
            self.network.logits,
            [end, *self._tokens.all_of(*texts_of([text], self._settings.column))],
            picking(temperature, seed),
            end=end,
            context=self._settings.context,
            tokens=tokens,
        )
        return text + self._tokens.text_of(found)

    def doubts(self, inputs: Any) -> Sequence[str]:
        if self._answers.task is Task.LANGUAGE:
            return ()
        context = self._settings.context
        longer = sum(len(self._tokens.all_of(text)) > context for text in texts_of(inputs, self._settings.column))
        return (f"longer than the {context} tokens that are read: {amount(longer, 'text')}",) if longer else ()

    def save(self) -> SavedModel:
        return self._origin.saved(
            description={**self._answers.describe(), "base": self._base.fingerprint},
            weights=self.network.state_dict(),
            preparation={},
        )

    def write_formats(self, folder: Path) -> None:
        write_adapter(self.network, lora_of(self._origin.config), self._base, folder)

    def write_onnx(self, path: Path) -> None:
        del path
        raise ConfigurationError(
            "adapters cannot be written as ONNX", hint="merge them: peft's merge_and_unload, then optimum"
        )

    def __repr__(self) -> str:
        what = f"{len(self.classes_)} classes" if self.is_classifier else "bits a byte"
        return f"AdapterModel({what})"


def assembled(
    base: BaseFolder, answers: Answers, weights: Mapping[str, Any], *, config: Config, settings: Config, seed: int
) -> AdapterModel:
    """Return the model of a configuration with these weights."""
    origin = ModelOrigin.of(config, settings, seed)
    classes = 0 if answers.classes is None else len(answers.classes)
    whole = loaded(base, answers.task, classes=classes, precision=Precision.FLOAT32, device="cpu")
    network = AdaptedModel(whole, lora_of(config), widest=FinetuneSettings.of(origin.settings).max_rank)
    network.load_state_dict(dict(weights))
    return AdapterModel(network, base, answers, origin)


def restored(saved: SavedModel) -> AdapterModel:
    """Return the model that was saved; raises `ValueError`, or whatever its parts do, where it makes no sense."""
    base = base_at(str(saved.settings["base"]))
    if base.fingerprint != saved.description["base"]:
        raise ValueError(f"{base.path} is not the base that it was trained on: it was changed since")
    task = Task(saved.description["task"])
    loss = NextTokenLoss() if task is Task.LANGUAGE else part(saved.config, "loss", task).build()
    answers = Answers.of(saved.description, loss)
    return assembled(base, answers, saved.weights, config=saved.config, settings=saved.settings, seed=saved.seed)
