"""Settings of the language objective: the `[settings]` section of a study file."""

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives._components import PARAMETRISATIONS
from tuner.objectives.text.corpus import DOCUMENTS, STDLIB
from tuner.objectives.text.token_cache import TokenOptions
from tuner.objectives.text.tokens import BPE, BYTES

_PRECISIONS = ("float32", "bfloat16")
_LEAST_VOCABULARY = 258

DEFAULT_BATCH_SIZE = 16
"""How many windows a step shows where the configuration does not say."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSettings:
    """What is read and how it becomes tokens, the sizes of the model, and how much an epoch is.

    `dataset` is a text, a folder, a pattern, JSONL or Parquet with a text `column`, a file of tokens, or "stdlib". An
    epoch is `steps` steps. Metrics are of `evaluation_tokens` tokens at most.
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


def found_in(folders: Sequence[Path], given: str) -> str:
    """Return the absolute path or pattern in the first of the folders that has it; what none has stays as it is."""
    places = [folder / Path(given).expanduser() for folder in folders]
    return next((str(place.absolute()) for place in places if glob.glob(str(place), recursive=True)), given)  # noqa: PTH207 - may be absolute


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    known = [field.name for field in fields(LanguageSettings)]
    yield from (f"{key}: unknown setting{nearest(key, known)}" for key in values if key not in known)
    if not isinstance(dataset := values.get("dataset"), str) or not dataset:
        said = f"{dataset!r} is not a path" if dataset else "missing"
        yield f'dataset: {said}; a text file, a folder, a pattern such as "corpus/*.txt", tokens.bin, or "{STDLIB}"'
    for key, (is_right, wanted) in _CHECKS.items():
        if key in values and not is_right(values[key]):
            yield f"{key}: {values[key]!r} is not {wanted}"
    yield from _word_problems(values)
    shares = [values.get(key, 0.1) for key in ("validation", "test")]
    if all(map(_is_share, shares)) and sum(shares) >= 1:
        yield "validation: with the test share it leaves nothing to train on"
    head = values.get("head_size", 16)
    if type(head) is int and head % 2:
        yield f"head_size: {head} is odd, and positions turn pairs of numbers"


def _word_problems(values: Mapping[str, Any]) -> Iterator[str]:
    words = {"precision": _PRECISIONS, "documents": DOCUMENTS, "parametrisation": PARAMETRISATIONS.names}
    for key, known in words.items():
        if key in values and values[key] not in known:
            yield f"{key}: {values[key]!r} is none of {', '.join(known)}{nearest(str(values[key]), known)}"
    tokenizer = values.get("tokenizer", BYTES)
    if not isinstance(tokenizer, str) or (tokenizer not in (BYTES, BPE) and not Path(tokenizer).is_file()):
        yield f"tokenizer: {tokenizer!r} is neither {BYTES} nor {BPE} nor the path of a tokenizer.json"


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1


_COUNTS = ("context", "width", "depth", "head_size", "base_width", "base_depth", "steps", "evaluation_tokens")

_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(_COUNTS, (_is_count, "a whole number above 0")),
    "vocabulary": (lambda value: type(value) is int and value >= _LEAST_VOCABULARY, "a whole number from 258"),
    "column": (lambda value: isinstance(value, str), "text"),
    "near_duplicates": (lambda value: value == 1 or _is_share(value), "a number from 0 (exact ones only) to 1"),
    "validation": (lambda value: _is_share(value) and value > 0, "a number above 0 and below 1"),
    "test": (_is_share, "a number from 0 to 1"),
}
