"""Settings of the language objective: the `[settings]` section of a study file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError
from tuner.objectives._components import PARAMETRISATIONS
from tuner.objectives._settings import PRECISIONS
from tuner.objectives._text_settings import (
    COUNT,
    FLAG,
    OF_SPLITS,
    Check,
    found_in,
    split_problems,
    unknown_settings,
    value_problems,
    word_problems,
)
from tuner.objectives.text.corpus import DOCUMENTS, STDLIB
from tuner.objectives.text.token_cache import TokenOptions
from tuner.objectives.text.tokens import BPE, BYTES

_LEAST_VOCABULARY = 258

DEFAULT_BATCH_SIZE = 16
"""How many windows a step shows where the configuration does not say."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSettings:
    """What is read and how it becomes tokens, the sizes of the model, and how much an epoch is.

    `dataset` is a text, a folder, a pattern, JSONL or Parquet with a text `column`, a file of tokens, or "stdlib". An
    epoch is `steps` steps. Metrics are of `evaluation_tokens` tokens at most. Where a trial trains alone, `micro_batch`
    windows of a step go through the model at once (None: all), and with `recompute_activations` it holds those of one
    block at a time; with `compile` its blocks are compiled. Where it has several ranks, its weights are `sharded` among
    them, or each has all of them.
    """

    dataset: str
    column: str = "text"
    documents: str = "auto"
    tokenizer: str = BYTES
    vocabulary: int = 8192
    near_duplicates: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    context: int = 128
    width: int = 64
    depth: int = 2
    head_size: int = 16
    parametrisation: str = "mup"
    base_width: int = 32
    base_depth: int = 2
    steps: int = 50
    micro_batch: int | None = None
    recompute_activations: bool = False
    compile: bool = False
    sharded: bool = False
    evaluation_tokens: int = 32_768
    precision: str = "float32"

    @staticmethod
    def of(values: Mapping[str, Any]) -> "LanguageSettings":
        """Return the settings with these values, or raise `ConfigurationError` with everything wrong with them."""
        if problems := [*_problems(values)]:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        return LanguageSettings(**values)

    @property
    def is_token_file(self) -> bool:
        """Whether the data is tokens already."""
        return self.dataset.lower().endswith(".bin")

    def tokens(self, seed: int) -> TokenOptions:
        """Return how the corpus becomes tokens; the study's seed decides its split."""
        return TokenOptions(
            tokenizer=self.tokenizer,
            vocabulary=self.vocabulary if self.tokenizer == BPE else 0,
            near_duplicates=self.near_duplicates,
            validation=self.validation,
            test=self.test,
            seed=seed,
        )

    def sizes(self) -> dict[str, Any]:
        """Return the fields of a decoder that settings decide."""
        return {name: getattr(self, name) for name in (*SIZES, "depth")}


SIZES = ("width", "head_size", "parametrisation", "base_width", "base_depth")
"""Fields of a decoder that no search space may have: values are searched at one size and transferred to others."""


def located(settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
    """Return the settings with absolute paths of the data and the tokenizer; the first folder that has it counts."""
    found = dict(settings)
    for key in ("dataset", "tokenizer"):
        if isinstance(value := settings.get(key), str) and value not in (STDLIB, BYTES, BPE):
            found[key] = found_in(folders, value)
    return found


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    yield from unknown_settings(values, [field.name for field in fields(LanguageSettings)])
    if not isinstance(dataset := values.get("dataset"), str) or not dataset:
        said = f"{dataset!r} is not a path" if dataset else "missing"
        yield f'dataset: {said}; a text file, a folder, a pattern such as "corpus/*.txt", tokens.bin, or "{STDLIB}"'
    yield from value_problems(values, _CHECKS)
    yield from word_problems(values, _WORDS)
    tokenizer = values.get("tokenizer", BYTES)
    if not isinstance(tokenizer, str) or (tokenizer not in (BYTES, BPE) and not Path(tokenizer).is_file()):
        yield f"tokenizer: {tokenizer!r} is neither {BYTES} nor {BPE} nor the path of a tokenizer.json"
    yield from split_problems(values)
    head = values.get("head_size", 16)
    if type(head) is int and head % 2:
        yield f"head_size: {head} is odd, and positions turn pairs of numbers"


_COUNTS = (
    "micro_batch",
    "context",
    "width",
    "depth",
    "head_size",
    "base_width",
    "base_depth",
    "steps",
    "evaluation_tokens",
)

_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(_COUNTS, COUNT),
    "vocabulary": (lambda value: type(value) is int and value >= _LEAST_VOCABULARY, "a whole number from 258"),
    "column": (lambda value: isinstance(value, str), "text"),
    **dict.fromkeys(("recompute_activations", "compile", "sharded"), FLAG),
    **OF_SPLITS,
}

_WORDS: Mapping[str, Sequence[str]] = {
    "precision": PRECISIONS,
    "documents": DOCUMENTS,
    "parametrisation": PARAMETRISATIONS.names,
}
