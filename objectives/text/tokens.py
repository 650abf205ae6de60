"""Tokenizers: text to numbers and back, as bytes or by the `tokenizers` package."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.system.untrusted_files import json_of, text_of

BYTES, BPE = "bytes", "bpe"
LARGEST_TOKENIZER = 2**28
"""How many bytes a tokenizer.json may have."""

_BATCH = 256
_MOST_GROWTH = 64
"""How many times as long as a text may be what is read in its place: Unicode's own forms need 18."""


class Tokenizer(ABC):
    """Numbers from 0 for pieces of text; `end` stands behind each document."""

    vocabulary: int
    end: int

    @abstractmethod
    def encode(self, texts: list[str]) -> list[NDArray[np.int64]]:
        """Return the tokens of each text."""

    @abstractmethod
    def decode(self, tokens: list[int]) -> str:
        """Return the text of tokens; what is no text is replaced."""

    def save(self, folder: Path) -> None:  # noqa: B027 - bytes need no file
        """Write what `saved` makes the tokenizer of again."""

    def describe(self) -> str:
        """Return the text that `described` makes the tokenizer of again: that of a tokenizer.json, "" for bytes."""
        return ""


@final
class ByteTokenizer(Tokenizer):
    """Each byte of UTF-8 is a token; the byte 0, which no text has, ends a document."""

    vocabulary = 256
    end = 0

    def encode(self, texts: list[str]) -> list[NDArray[np.int64]]:
        return [np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64) for text in texts]

    def decode(self, tokens: list[int]) -> str:
        return bytes(token for token in tokens if token).decode(errors="replace")


@final
class LibraryTokenizer(Tokenizer):
    """A tokenizer of the `tokenizers` package."""

    def __init__(self, inner: Any, end: int | None = None) -> None:
        inner.no_truncation()  # as a tokenizer.json may have it
        inner.no_padding()
        self._inner = inner
        self.end = inner.get_vocab_size() if end is None else end
        self.vocabulary = max(inner.get_vocab_size(), self.end + 1)

    def encode(self, texts: list[str]) -> list[NDArray[np.int64]]:
        found = self._inner.encode_batch(texts, add_special_tokens=False)
        return [np.array(each.ids, dtype=np.int64) for each in found]

    def decode(self, tokens: list[int]) -> str:
        text: str = self._inner.decode([token for token in tokens if token != self.end])
        return text

    def save(self, folder: Path) -> None:
        self._inner.save(str(folder / "tokenizer.json"))

    def describe(self) -> str:
        text: str = self._inner.to_str()
        return text


def trained(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Return a byte-level BPE of so many tokens, trained on these texts."""
    library = _library()
    inner = library.Tokenizer(library.models.BPE())
    inner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = library.decoders.ByteLevel()
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(
        vocab_size=vocabulary - 1, initial_alphabet=alphabet, show_progress=False, special_tokens=[]
    )
    inner.train_from_iterator(texts, trainer)
    return LibraryTokenizer(inner)


def from_file(path: Path, end: int | None = None) -> Tokenizer:
    """Return the tokenizer in a tokenizer.json, whose token `end` stands behind documents; by default a further one.

    Raises `ConfigurationError` where it is none.
    """
    return LibraryTokenizer(library_tokenizer(path), end)


def library_tokenizer(path: Path) -> Any:
    """Return the tokenizer in a tokenizer.json as the library has it; raises `ConfigurationError` where it is none."""
    library = _library()  # which says by itself that it is missing
    try:
        return _parsed(library, text_of(path, LARGEST_TOKENIZER))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the tokenizer {path} cannot be read: {error}") from None


def saved(folder: Path) -> Tokenizer:
    """Return the tokenizer that was saved in a folder."""
    file = folder / "tokenizer.json"
    return from_file(file) if file.exists() else ByteTokenizer()


def described(text: str, end: int) -> Tokenizer:
    """Return the tokenizer that is described by a text; raises `ValueError` where that is none."""
    if not text:
        return ByteTokenizer()
    library = _library()
    try:
        return LibraryTokenizer(_parsed(library, text), end)
    except ValueError as error:
        raise ValueError(f"the tokenizer cannot be read: {error}") from None


def _parsed(library: Any, text: str) -> Any:
    """Return the tokenizer of the library that a text describes; raises `ValueError` where there is none to be used."""
    try:
        return _bounded(library.Tokenizer.from_str(text))
    except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
        raise ValueError(str(error)) from None


def _bounded(inner: Any) -> Any:
    """Return a tokenizer of the library; raises `ValueError` for one that makes a text many times as long.

    A stranger's may replace a letter by thousands of them, and each of these again.
    """
    for part in (inner.normalizer, inner.decoder):
        times = 1.0 if part is None else _growth(json_of(part.__getstate__().decode()))
        if times > _MOST_GROWTH:
            raise ValueError(f"it makes a text up to {times:,.0f} times as long, and {_MOST_GROWTH} is the most")
    return inner


def _growth(described: Mapping[str, Any]) -> float:
    """Return how many times as long a text can become by what a normalizer or decoder replaces in it."""
    if described.get("type") == "Sequence":
        steps = described.get("normalizers") or described.get("decoders") or ()
        return math.prod(map(_growth, steps))
    if described.get("type") == "Replace":
        return max(1.0, len(described["content"]) / max(1, len(described["pattern"].get("String", ""))))
    return 1.0


def _library() -> Any:
    try:
        import tokenizers  # noqa: PLC0415 - an extra
        import tokenizers.decoders  # noqa: PLC0415
        import tokenizers.models  # noqa: PLC0415
        import tokenizers.pre_tokenizers  # noqa: PLC0415
        import tokenizers.trainers  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "settings.tokenizer: needs the package tokenizers",
            hint="pip install 'tuner[text]', or tokenizer = \"bytes\"",
        ) from None
    return tokenizers


def in_batches(texts: Iterable[str]) -> Iterable[list[str]]:
    """Yield the texts, some at a time, as tokenizers take them fastest."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
