"""Token cache: a corpus as files of tokens, one for each part of its split, made once and memory-mapped afterwards.

A first pass measures every document, a second one writes its tokens to its part: of neither more than some documents
are in memory. A folder appears whole or not at all, so runs that make the same one at once do no harm.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.corpus import Corpus, contents_hash
from tuner.objectives.text.near_duplicates import BINS, groups, signature
from tuner.objectives.text.quality import Quality
from tuner.objectives.text.tokens import BPE, BYTES, ByteTokenizer, Tokenizer, from_file, in_batches, trained
from tuner.system.files import made_once
from tuner.system.untrusted_files import json_of, text_of

PARTS = ("train", "validation", "test")
_VERSION = 2
_MOST_OF_A_PART = 2
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_PIECE = 1 << 22
_SPARE = 16
"""Letters of a document's hash by which its part is decided."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions:
    """How a corpus becomes tokens."""

    tokenizer: str = BYTES
    end: int | None = None
    """The token of a tokenizer.json that ends a document; by default a further one."""
    vocabulary: int = 8192
    near_duplicates: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    seed: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPart:
    """Where the tokens of one part lie: `count` of them from `begin` in a file of numbers of type `dtype`."""

    file: Path
    dtype: str
    begin: int
    count: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenData:
    """A corpus as tokens; `documents` has a line about each document of the training part, and is empty without any."""

    parts: dict[str, TokenPart]
    vocabulary: int
    bytes_per_token: float
    fingerprint: str
    size: int
    summary: str
    documents: dict[str, NDArray[Any]]
    notes: tuple[str, ...] = ()


def cache_folder(kind: str) -> Path:
    """Return where a `kind` of files is kept: below `$TUNER_CACHE`, or `tuner` in the user's cache folder."""
    given = os.environ.get("TUNER_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuner"
    return (Path(given) if given else home) / kind


def tokens_of(corpus: Corpus, options: TokenOptions) -> TokenData:
    """Return the corpus as tokens, from the cache where they are there.

    Raises `ConfigurationError` where too few documents are left for three parts.
    """
    folder = _place(corpus, options)
    if not (folder / "tokens.json").exists():
        with made_once(folder) as made:
            _make(corpus, options, made)
    return _opened(folder)


def _place(corpus: Corpus, options: TokenOptions) -> Path:
    tokenizer = Path(options.tokenizer)
    facts = tokenizer.stat() if tokenizer.is_file() else None
    known = [
        _VERSION,
        corpus.identity(),
        asdict(options),
        None if facts is None else [facts.st_size, facts.st_mtime_ns],
    ]
    return cache_folder("tokens") / hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]


def _opened(folder: Path) -> TokenData:
    stored = json_of(text_of(folder / "tokens.json"))
    with np.load(folder / "documents.npz", allow_pickle=False) as columns:
        documents = {name: columns[name] for name in columns.files}
    parts = {
        name: TokenPart(file=folder / f"{name}.bin", dtype=stored["dtype"], begin=0, count=stored["tokens"][name])
        for name in PARTS
    }
    known = ("vocabulary", "bytes_per_token", "fingerprint", "size", "summary")
    notes = tuple(stored["notes"])
    return TokenData(parts=parts, documents=documents, notes=notes, **{name: stored[name] for name in known})


@final
class _Documents:
    """What the first pass measured of each document, in columns that grow."""

    def __init__(self, corpus: Corpus) -> None:
        self.hashes: list[str] = []
        self.binary = 0
        """How many documents hold bytes that are no text: what is not UTF-8 was replaced."""
        self._signatures = array("Q")
        self._columns = {name: array("d") for name in ("length", "symbols", "repetition")}
        for text in corpus.texts():
            self._measure(text)

    def _measure(self, text: str) -> None:
        self.binary += _REPLACED in text or "\0" in text
        known = " ".join(text.split()).encode()
        self.hashes.append(hashlib.sha256(known).hexdigest()[: 2 * _SPARE])
        self._signatures.frombytes(signature(known).tobytes())
        for name, value in asdict(Quality.of(text)).items():
            self._columns[name].append(value)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the measurements by name, (documents,) each."""
        return {name: np.array(column) for name, column in self._columns.items()}

    def groups(self, threshold: float) -> NDArray[np.int64]:
        """Return which documents are near duplicates of each other."""
        signatures = np.frombuffer(self._signatures, dtype=np.uint64).reshape(-1, BINS)
        return groups(signatures, self.hashes, threshold)


def _make(corpus: Corpus, options: TokenOptions, folder: Path) -> None:
    documents = _Documents(corpus)
    joined = documents.groups(options.near_duplicates)
    columns = documents.columns()
    part_of = _split(joined, documents.hashes, columns["length"], options)
    tokenizer = _tokenizer(corpus, options, part_of)
    dtype = "uint8" if tokenizer.vocabulary <= 2**8 else "uint16" if tokenizer.vocabulary <= 2**16 else "uint32"
    counts, lengths, num_bytes = _write(corpus, tokenizer, part_of, dtype, folder)
    trains = part_of == 0
    hashes = np.array(documents.hashes)
    first = {"first": _is_first(joined), "first_exact": _is_first(hashes)}
    np.savez(
        folder / "documents.npz",
        tokens=lengths[trains],
        **{name: column[trains] for name, column in {**columns, **first}.items()},
    )
    tokenizer.save(folder)
    copies = len(joined) - len(np.unique(joined))
    summary = (
        f"{len(joined)} documents ({copies} near duplicates of others), {sum(counts.values()):,} tokens "
        f"({Path(options.tokenizer).name}, {tokenizer.vocabulary:,} different): {counts['train']:,} train, "
        f"{counts['validation']:,} validate"
    )
    described = {
        "dtype": dtype,
        "tokens": counts,
        "vocabulary": tokenizer.vocabulary,
        "bytes_per_token": num_bytes / sum(counts.values()),
        "fingerprint": contents_hash(corpus),
        "size": corpus.size,
        "summary": summary,
        "notes": [*_notes(documents)],
    }
    (folder / "tokens.json").write_text(json.dumps(described))


def _notes(documents: _Documents) -> Iterator[str]:
    if documents.binary:
        yield (
            f"{documents.binary} of {len(documents.hashes)} documents hold bytes that are no UTF-8 text, and are "
            'trained on all the same: a pattern such as "corpus/**/*.txt" leaves files out'
        )


def _is_first(values: NDArray[Any]) -> NDArray[np.bool_]:
    first = np.zeros(len(values), dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _split(
    joined: NDArray[np.int64], hashes: list[str], lengths: NDArray[Any], options: TokenOptions
) -> NDArray[np.int8]:
    """Return the part of each document, its place in `PARTS`: near duplicates share one, sizes are shares of letters.

    Groups come in an order of their contents' hashes and the seed, whatever the order of files. One that would make a
    part that validates or tests more than twice as large as it is to be trains.
    """
    names, group_of = np.unique(joined, return_inverse=True)
    sizes = np.bincount(group_of, weights=lengths)
    least = [""] * len(names)
    for document, group in enumerate(group_of):
        least[group] = min(filter(None, (least[group], hashes[document])))
    wanted = [options.validation, *([options.test] if options.test > 0 else [])]
    if len(names) <= len(wanted):
        raise ConfigurationError(
            f"settings.dataset: has {len(names)} different documents, too few for {len(wanted) + 1} parts",
            hint='documents = "paragraph" in [settings] cuts files at blank lines',
        )
    order = sorted(
        range(len(names)), key=lambda each: hashlib.sha256(f"{options.seed}:{least[each]}".encode()).digest()
    )
    parts = np.zeros(len(names), dtype=np.int8)
    for part, share in enumerate(wanted, 1):
        free = [group for group in order if not parts[group]]
        spare = len(free) - (len(wanted) + 1 - part)
        parts[_taken(free, sizes, share * sizes.sum())[:spare]] = part
    return parts[group_of]


def _taken(groups: list[int], sizes: NDArray[Any], wanted: float) -> list[int]:
    """Return the groups of a part that is to be so large, one or more."""
    taken: list[int] = []
    filled = 0.0
    for group in groups:
        if filled >= wanted:
            break
        if filled + sizes[group] <= _MOST_OF_A_PART * wanted:
            taken.append(group)
            filled += max(1.0, sizes[group])
    return taken or [min(groups, key=lambda each: sizes[each])]


def _tokenizer(corpus: Corpus, options: TokenOptions, part_of: NDArray[np.int8]) -> Tokenizer:
    if options.tokenizer == BYTES:
        return ByteTokenizer()
    if options.tokenizer == BPE:
        return trained(
            (text for text, part in zip(corpus.texts(), part_of, strict=True) if part == 0), options.vocabulary
        )
    return from_file(Path(options.tokenizer), options.end)


def _write(
    corpus: Corpus, tokenizer: Tokenizer, part_of: NDArray[np.int8], dtype: str, folder: Path
) -> tuple[dict[str, int], NDArray[np.int64], int]:
    """Write each part's tokens; return how many it has, how many each document has, and the bytes of all texts."""
    files = [(folder / f"{name}.bin").open("wb") for name in PARTS]
    lengths, counts, num_bytes, place = array("q"), [0, 0, 0], 0, 0
    try:
        for texts in in_batches(corpus.texts()):
            for text, tokens in zip(texts, tokenizer.encode(texts), strict=True):
                part = int(part_of[place])
                files[part].write(np.append(tokens, tokenizer.end).astype(dtype).tobytes())
                lengths.append(len(tokens) + 1)
                counts[part] += len(tokens) + 1
                num_bytes += len(text.encode(errors="replace"))
                place += 1
    finally:
        for file in files:
            file.close()
    return dict(zip(PARTS, counts, strict=True)), np.array(lengths), num_bytes


def token_file(path: Path, options: TokenOptions) -> TokenData:
    """Return a file of tokens that was made elsewhere, `tokens.bin` with `tokens.json` beside it, cut into three parts.

    The description has `dtype`, `vocabulary` and `bytes_per_token`. Raises `ConfigurationError` for what is missing.
    """
    described = path.with_suffix(".json")
    try:
        stored = json_of(text_of(described))
        dtype, known = np.dtype(str(stored["dtype"])), int(stored["vocabulary"])
        per_token = float(stored["bytes_per_token"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        wanted = '{"dtype": "uint16", "vocabulary": 50304, "bytes_per_token": 4.2}'
        raise ConfigurationError(f"{described}: is to describe the tokens, as in {wanted}: {error!r}") from None
    if dtype.kind != "u" or per_token <= 0:
        raise ConfigurationError(f"{described}: dtype is to be unsigned, and bytes_per_token above 0")
    count, rest = divmod(path.stat().st_size, dtype.itemsize)
    if rest or (largest := _largest(path, dtype)) >= known:
        problem = f"its size is no multiple of {dtype.itemsize} bytes" if rest else f"it has the token {largest}"
        raise ConfigurationError(
            f"{path}: {problem}, and {described.name} says {dtype.name} below {known} (dtype, vocabulary)"
        )
    parts = {
        name: TokenPart(file=path, dtype=dtype.name, begin=begin, count=end - begin)
        for name, begin, end in _cuts(count, options)
    }
    return TokenData(
        parts=parts,
        vocabulary=known,
        bytes_per_token=per_token,
        fingerprint=contents_hash(Corpus((path,))),
        size=path.stat().st_size,
        summary=f"{count:,} tokens ({known:,} different) of {path.name}",
        documents={},
    )


def _largest(path: Path, dtype: np.dtype[Any]) -> int:
    """Return the largest token of a file, of which a piece at a time is in memory."""
    largest = 0
    with path.open("rb") as file:
        while len(piece := np.fromfile(file, dtype, _PIECE)):
            largest = max(largest, int(piece.max()))
    return largest


def _cuts(count: int, options: TokenOptions) -> Iterator[tuple[str, int, int]]:
    test = int(count * options.test)
    validation = int(count * options.validation)
    train = count - validation - test
    yield "train", 0, train
    yield "validation", train, train + validation
    yield "test", train + validation, count
