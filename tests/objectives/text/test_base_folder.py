import json
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
