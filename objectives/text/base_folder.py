"""Folder of a pretrained model in the format of Hugging Face: what it says of itself, read without torch."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.token_cache import cache_folder
from tuner.objectives.text.tokens import LARGEST_TOKENIZER
from tuner.system.files import made_once
from tuner.system.untrusted_files import json_of, opened, text_of

RANDOM = "random"
"""The base that ships: a small Llama of random weights, which reads bytes."""

CONFIG, TOKENIZER = "config.json", "tokenizer.json"

_VERSION = 1
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx")
_COUNTED_BEHIND_PADS = ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "data2vec-text")
"""Kinds whose first token has the position behind the padding token's number."""
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_COUNTS = frozenset(
    {
        *("num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers", "num_experts"),
        *("num_local_experts", "n_routed_experts", "num_attention_heads", "n_head", "num_key_value_heads"),
    }
)
_WIDTHS = frozenset({"hidden_size", "n_embd", "d_model", "dim"})
_OTHER_WIDTHS = frozenset({*_WIDTHS, "vocab_size", "intermediate_size", "n_inner", "ffn_dim", "hidden_dim"})
_LEAST_LAYER_BYTES = 64
"""What a layer, an expert or a head takes at least, with what the file says of it."""
_MOST_WEIGHTS_A_BYTE = 4
_END = "<end>"
_RANDOM_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 16,
    "vocab_size": 257,
    "bos_token_id": None,
    "eos_token_id": 256,
    "pad_token_id": 256,
    "max_position_embeddings": 512,
    "initializer_range": 0.1,
    "tie_word_embeddings": False,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFolder:
    """A folder with `config.json`, `tokenizer.json` and weights.

    `end` is the token that ends a document, which only language models need, `pad` what texts of different lengths are
    filled up with, and `positions` how many tokens the model can read at once, where it says so.
    """

    path: Path
    kind: str
    vocabulary: int
    end: int | None
    pad: int
    positions: int | None
    fingerprint: str
    is_random: bool
    """Whether it is the one that ships, whose weights are drawn where it is first loaded."""

    @property
    def tokenizer(self) -> Path:
        """The file of its tokenizer."""
        return self.path / TOKENIZER


def base_at(base: str) -> BaseFolder:
    """Return what the folder says, made first where it is the one that ships; raises `ConfigurationError`."""
    path = _random_folder() if base == RANDOM else Path(base).expanduser()
    if problems := [*_problems(path, base)]:
        raise ConfigurationError(problems)
    try:
        text = text_of(path / CONFIG)
        fingerprint = _fingerprint(path, text)
    except OSError as error:
        raise ConfigurationError(f"settings.base: {error.filename}: {error.strerror or error}") from None
    found = _as_mapping(path / CONFIG, text)
    nested = found.get("text_config")
    inner: dict[str, Any] = nested if isinstance(nested, dict) else found
    end = _first(inner.get("eos_token_id"))
    if not isinstance(inner.get("vocab_size"), int):
        raise ConfigurationError(f"settings.base: {path / CONFIG} is to have a whole number under vocab_size")
    if base != RANDOM and (problem := next(_absurdities(inner, sum(map(_size, _weight_files(path)))), None)):
        raise ConfigurationError(f"settings.base: {path / CONFIG}: {problem}")
    if inner.get("is_encoder_decoder"):
        raise ConfigurationError(
            f"settings.base: {path} has an encoder and a decoder: give a model that is one of them, as GPT or BERT are"
        )
    pad = _first(inner.get("pad_token_id"))
    kind = str(found.get("model_type", "unknown"))
    positions = next((inner[name] for name in _POSITIONS if isinstance(inner.get(name), int)), None)
    if positions is not None and kind in _COUNTED_BEHIND_PADS:
        positions -= (pad or 0) + 1
    return BaseFolder(
        path=path.resolve(),
        kind=kind,
        vocabulary=inner["vocab_size"],
        end=end,
        pad=next((token for token in (pad, end) if token is not None), 0),
        positions=positions,
        fingerprint=fingerprint,
        is_random=path == _random_folder_path(),
    )


def _problems(path: Path, base: str) -> Iterator[str]:
    if not path.is_dir():
        yield (
            f"settings.base: there is no folder {base!r}: give a local one with {CONFIG}, {TOKENIZER} and weights, as "
            f'`save_pretrained` of transformers writes it, or "{RANDOM}"'
        )
        return
    for name in (CONFIG, TOKENIZER):
        if not (path / name).is_file():
            how = (
                ": AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes it" if name == TOKENIZER else ""
            )
            yield f"settings.base: {path} has no {name}{how}"
    if base != RANDOM and not [*_weight_files(path)]:
        yield f"settings.base: {path} has no weights: model.safetensors"


def _absurdities(described: Mapping[str, Any], size: int) -> Iterator[str]:
    """Yield what a configuration has that weights of `size` bytes cannot be of.

    A library makes the model before it looks at the weights: one that is described to be enormous takes a machine's
    memory, or years.
    """
    numbers = {key: value for key, value in described.items() if type(value) is int}
    for key in sorted(_COUNTS & numbers.keys()):
        if numbers[key] > size // _LEAST_LAYER_BYTES:
            yield f"{key} = {numbers[key]:,} is more than weights of {size:,} bytes have"
    widest = max((numbers[key] for key in _WIDTHS & numbers.keys()), default=0)
    for key in sorted(_OTHER_WIDTHS & numbers.keys()):
        if widest * numbers[key] > size * _MOST_WEIGHTS_A_BYTE:
            yield f"{key} = {numbers[key]:,} by {widest:,} is more than weights of {size:,} bytes have"
    implementation = described.get("attn_implementation", described.get("_attn_implementation"))
    if isinstance(implementation, str) and "/" in implementation:
        yield f"attn_implementation = {implementation!r} is code to be fetched, and none is"


def _size(file: Path) -> int:
    with opened(file, _LARGEST_WEIGHTS) as stream:
        return os.fstat(stream.fileno()).st_size


def _weight_files(path: Path) -> list[Path]:
    return sorted(file for pattern in _WEIGHTS for file in path.glob(pattern))


def _as_mapping(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json_of(text)
    except ValueError as error:
        raise ConfigurationError(f"settings.base: {path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"settings.base: {path} is not the configuration of a model")
    return found


def _first(token: Any) -> int | None:
    found = token[0] if isinstance(token, list) and token else token
    return found if type(found) is int else None


def _fingerprint(path: Path, config: str) -> str:
    """Return a hash of the configuration, the tokenizer and pieces of the weights."""
    files = [] if path == _random_folder_path() else _weight_files(path)
    weights = [[file.name, _sampled(file)] for file in files]
    known = [config, text_of(path / TOKENIZER, LARGEST_TOKENIZER), weights]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _sampled(file: Path) -> str:
    """Return a hash of the size of a file, which may be large, and of pieces all over it: training changes them all."""
    with opened(file, _LARGEST_WEIGHTS) as stream:
        size = os.fstat(stream.fileno()).st_size
        found = hashlib.sha256(str(size).encode())
        for begin in range(0, size, max(_PIECE, size // _PIECES)):
            stream.seek(begin)
            found.update(stream.read(_PIECE))
    return found.hexdigest()


_LARGEST_WEIGHTS = 2**50
"""A file's size in bytes: no other bound is known, since large models are what adapters are for."""
_PIECE, _PIECES = 4096, 256


def _random_folder_path() -> Path:
    return cache_folder("bases") / f"{RANDOM}-{_VERSION}"


def _random_folder() -> Path:
    """Return the folder of the base that ships, whose weights are drawn where it is first loaded."""
    folder = _random_folder_path()
    if not (folder / TOKENIZER).is_file():
        with made_once(folder) as made:
            (made / CONFIG).write_text(json.dumps(_RANDOM_CONFIG))
            (made / TOKENIZER).write_text(json.dumps(_byte_tokenizer()))
            described = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "pad_token": _END}
            (made / "tokenizer_config.json").write_text(json.dumps(described))
    return folder


def _byte_tokenizer() -> dict[str, Any]:
    """Return a tokenizer.json that has a token for each byte, and one that ends a text."""
    levels = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    end = {"id": 256, "content": _END, "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "added_tokens": [{**end, **flags}],
        "pre_tokenizer": levels,
        "decoder": levels,
        "model": {"type": "BPE", "vocab": {**_byte_letters(), _END: 256}, "merges": []},
    }


def _byte_letters() -> dict[str, int]:
    """Return the letter that stands for each byte in byte-level tokenizers, as GPT-2 has them."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + place) for place, byte in enumerate(others)}
    return {letters[byte]: byte for byte in range(256)}
