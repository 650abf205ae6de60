from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.tokens import ByteTokenizer, from_file, in_batches, saved, trained

TEXT = "héllo wörld, hello again\n" * 20


def test_bytes_are_tokens_and_come_back() -> None:
    tokenizer = ByteTokenizer()
    (tokens,) = tokenizer.encode([TEXT])
    assert tokens.tolist() == list(TEXT.encode())
    assert tokenizer.decode([*tokens, tokenizer.end]) == TEXT


def test_a_trained_tokenizer_is_shorter_loses_nothing_and_is_the_same_when_it_was_saved(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    tokenizer = trained([TEXT], 300)
    (tokens,) = tokenizer.encode([TEXT])
    assert len(tokens) < len(TEXT.encode()) / 2
    assert tokenizer.vocabulary <= 300
    assert tokens.max() < tokenizer.end < tokenizer.vocabulary
    assert tokenizer.decode([*tokens.tolist(), tokenizer.end]) == TEXT
    tokenizer.save(tmp_path)
    assert saved(tmp_path).encode([TEXT])[0].tolist() == tokens.tolist()
    assert isinstance(saved(tmp_path / "elsewhere"), ByteTokenizer)


def test_a_file_that_is_no_tokenizer_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"tokenizer\.json cannot be read"):
        from_file(tmp_path / "tokenizer.json")


def test_texts_come_some_at_a_time_in_their_order() -> None:
    assert [text for batch in in_batches(map(str, range(600))) for text in batch] == [*map(str, range(600))]
