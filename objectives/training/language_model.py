"""A trained language model as a person uses it: how well it predicts each text, and texts that it continues."""

from collections.abc import Mapping
from typing import Any, final

import torch

from tuner.domain.config import Config
from tuner.domain.model import SavedModel
from tuner.objectives._components import part
from tuner.objectives._language_settings import LanguageSettings
from tuner.objectives._tasks import Task
from tuner.objectives.architectures.decoder import Decoder, DecoderModel
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.text.tokens import Tokenizer, described
from tuner.objectives.training.answering_model import AnsweringModel
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.next_token import NextToken, NextTokenLoss, bits_per_byte, continued, picking
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.text_inputs import texts_of


@final
class LanguageModel(AnsweringModel):
    """A decoder with its tokenizer, on the CPU. It answers with the bits a byte that it needs for each text."""

    def __init__(self, network: NextToken, tokenizer: Tokenizer, origin: ModelOrigin) -> None:
        super().__init__(_ANSWERS)
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._tokenizer = tokenizer
        self._origin = origin
        settings = LanguageSettings(**origin.settings)
        self._column, self._context = settings.column, settings.context

    @property
    def columns(self) -> tuple[str, ...]:
        return (self._column,)

    @torch.no_grad()
    def raw_answers(self, inputs: Any) -> Array:
        texts = texts_of(inputs, self._column)
        end = self._tokenizer.end
        bits = [
            bits_per_byte(self.network.decoder, [end, *tokens.tolist(), end], self._context, len(text.encode()))
            for text, tokens in zip(texts, self._tokenizer.encode(texts), strict=True)
        ]
        return self._answers.decoded(torch.tensor(bits)[:, None])

    @torch.no_grad()
    def generate(self, text: str = "", *, tokens: int = 100, temperature: float = 1.0, seed: int = 0) -> str:
        end = self._tokenizer.end
        found = continued(
            self.network.decoder,
            [end, *self._tokenizer.encode(texts_of([text], self._column))[0].tolist()],
            picking(temperature, seed),
            end=end,
            context=self._context,
            tokens=tokens,
        )
        return text + self._tokenizer.decode(found)

    def save(self) -> SavedModel:
        return self._origin.saved(
            description={**self._answers.describe(), "vocabulary": self._vocabulary, "end": self._tokenizer.end},
            weights=self.network.state_dict(),
            preparation={"tokenizer": self._tokenizer.describe()},
        )

    @property
    def _vocabulary(self) -> int:
        return int(self.network.state_dict()["decoder.embed.weight"].shape[0])

    def __repr__(self) -> str:
        return f"LanguageModel({self._vocabulary} tokens)"


def decoder_of(config: Config, settings: LanguageSettings, vocabulary: int) -> DecoderModel:
    """Return the decoder of a configuration, with initial weights."""
    chosen = part({"architecture": "decoder", **config}, "architecture", Task.LANGUAGE).fields
    model = Decoder(**{**settings.sizes(), **dict(chosen)}).build((settings.context,), vocabulary)
    assert isinstance(model, DecoderModel)
    return model


def assembled(
    tokenizer: Tokenizer, weights: Mapping[str, Any], *, vocabulary: int, config: Config, settings: Config, seed: int
) -> LanguageModel:
    """Return the model of a configuration with these weights."""
    origin = ModelOrigin.of(config, settings, seed)
    network = NextToken(decoder_of(config, LanguageSettings(**origin.settings), vocabulary))
    network.load_state_dict(dict(weights))
    return LanguageModel(network, tokenizer, origin)


def restored(saved: SavedModel) -> LanguageModel:
    """Return the model that was saved; raises `ValueError`, or whatever its parts do, where it makes no sense."""
    vocabulary, end = int(saved.description["vocabulary"]), int(saved.description["end"])
    tokenizer = described(saved.preparation["tokenizer"], end)
    if tokenizer.vocabulary > vocabulary:
        raise ValueError(f"the tokenizer has {tokenizer.vocabulary} tokens, and the model {vocabulary}")
    return assembled(
        tokenizer, saved.weights, vocabulary=vocabulary, config=saved.config, settings=saved.settings, seed=saved.seed
    )


_ANSWERS = Answers(task=Task.LANGUAGE, loss=NextTokenLoss(), classes=None)
