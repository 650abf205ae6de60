import json
import os
from pathlib import Path
from typing import Any

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.base_folder import RANDOM, base_at
from tuner.objectives.text.tokens import from_file


def folder(place: Path, **config: Any) -> str:
    known = {"model_type": "llama", "vocab_size": 300, "eos_token_id": 2, "max_position_embeddings": 64, **config}
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(known))
    (place / "tokenizer.json").write_bytes(base_at(RANDOM).tokenizer.read_bytes())
    (place / "model.safetensors").write_bytes(b"weights")
    return str(place)


def test_the_base_that_ships_reads_every_text_byte_by_byte() -> None:
    base = base_at(RANDOM)
    assert (base.kind, base.vocabulary, base.end, base.is_random) == ("llama", 257, 256, True)
    tokenizer = from_file(base.tokenizer, base.end)
    text = "Grüße, 世界\n\t" + "".join(map(chr, range(32, 127)))
    (tokens,) = tokenizer.encode([text])
    assert tokens.tolist() == [*text.encode()]
    assert tokenizer.decode(tokens.tolist()) == text
    assert tokenizer.end == 256


def test_a_folder_says_what_the_model_reads(tmp_path: Path) -> None:
    base = base_at(folder(tmp_path / "base"))
    assert (base.vocabulary, base.end, base.pad, base.positions, base.is_random) == (300, 2, 2, 64, False)
    listed = base_at(folder(tmp_path / "base", eos_token_id=[7, 8], pad_token_id=0))
    assert (listed.end, listed.pad) == (7, 0)
    assert listed.fingerprint != base.fingerprint
    assert base_at(folder(tmp_path / "base", model_type="roberta", pad_token_id=1)).positions == 62


def test_weights_that_were_trained_further_are_another_base(tmp_path: Path) -> None:
    known = {base_at(folder(tmp_path / "base")).fingerprint}
    weights = tmp_path / "base" / "model.safetensors"
    for trained in (b"WEIGHTS", b"0" * 3_000_000, b"0" * 2_000_000 + b"1" * 1_000_000):
        weights.write_bytes(trained)
        known.add(base_at(str(tmp_path / "base")).fingerprint)
    assert len(known) == 4


def test_what_is_missing_is_said_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no folder 'meta/llama'.*save_pretrained"):
        base_at("meta/llama")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as raised:
        base_at(str(tmp_path / "empty"))
    said = "\n".join(raised.value.problems)
    for part in ("no config.json", "no tokenizer.json: AutoTokenizer", "no weights"):
        assert part in said


def test_an_encoder_needs_no_token_that_ends_a_text_and_one_with_a_decoder_is_refused(tmp_path: Path) -> None:
    bert = base_at(folder(tmp_path / "base", model_type="bert", eos_token_id=None, pad_token_id=0))
    assert (bert.end, bert.pad) == (None, 0)
    with pytest.raises(ConfigurationError, match="has an encoder and a decoder"):
        base_at(folder(tmp_path / "base", model_type="t5", is_encoder_decoder=True))


@pytest.mark.parametrize("config", ["[]", "{", '{"vocab_size": "many", "eos_token_id": 1}'])
def test_a_configuration_that_is_none_is_an_error_with_its_file(config: str, tmp_path: Path) -> None:
    place = folder(tmp_path / "base")
    (tmp_path / "base" / "config.json").write_text(config)
    with pytest.raises(ConfigurationError, match=r"settings\.base: .*config\.json"):
        base_at(place)


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 10**9},
        {"n_layer": 20_000},
        {"hidden_size": 2**20},
        {"n_embd": 4096, "vocab_size": 2**40},
        {"hidden_size": 1024, "intermediate_size": 10**12},
        {"num_local_experts": 10**8},
        {"attn_implementation": "somebody/kernels"},
    ],
    ids=str,
)
def test_a_model_that_its_weights_cannot_be_of_is_never_made(config: dict[str, Any], tmp_path: Path) -> None:
    place = folder(tmp_path / "base", **config)
    (tmp_path / "base" / "model.safetensors").write_bytes(bytes(1_000_000))
    with pytest.raises(ConfigurationError, match=r"config\.json: .* (is more than weights of|is code to be fetched)"):
        base_at(place)


def test_weights_that_are_no_file_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    place = folder(tmp_path / "base")
    (tmp_path / "base" / "model.safetensors").unlink()
    os.mkfifo(tmp_path / "base" / "model.safetensors")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        base_at(place)


def test_a_tokenizer_that_makes_texts_many_times_as_long_is_refused(tmp_path: Path) -> None:
    content = json.loads(base_at(RANDOM).tokenizer.read_text())
    longer = {"type": "Replace", "pattern": {"String": "o"}, "content": "o" * 30}
    file = tmp_path / "tokenizer.json"
    for normalizer, is_refused in ((longer, False), ({"type": "Sequence", "normalizers": [longer] * 7}, True)):
        file.write_text(json.dumps({**content, "normalizer": normalizer}))
        if is_refused:
            with pytest.raises(ConfigurationError, match="times as long"):
                from_file(file)
        else:
            assert len(from_file(file).encode(["foo"])[0]) == 61


def test_a_tokenizer_that_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokenizer.json")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        from_file(tmp_path / "tokenizer.json")
