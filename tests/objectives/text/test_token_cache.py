import json
import random
import stat
from pathlib import Path

import numpy as np
import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.corpus import Corpus, corpus_of
from tuner.objectives.text.token_cache import (
    PARTS,
    TokenData,
    TokenOptions,
    cache_folder,
    token_file,
    tokens_of,
)


def written(data: TokenData, name: str) -> bytes:
    part = data.parts[name]
    return part.file.read_bytes()[part.begin * np.dtype(part.dtype).itemsize :]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Twenty documents, of which each third one is there a second time with another last word."""
    rng = random.Random(0)
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(20):
        text = " ".join(f"{rng.randint(0, 9999):04d}" for _ in range(200))
        (folder / f"{number:02d}.txt").write_text(text)
        if number % 3 == 0:
            (folder / f"{number:02d}-copy.txt").write_text(f"{text} end")
    return corpus_of(str(folder), "text", "auto")


def test_every_document_is_in_one_part_and_copies_are_in_the_same_one(corpus: Corpus) -> None:
    data = tokens_of(corpus, TokenOptions())
    parts = {name: written(data, name).split(b"\0")[:-1] for name in PARTS}
    assert sorted(text for texts in parts.values() for text in texts) == sorted(
        text.encode() for text in corpus.texts()
    )
    beginnings = [{text[:40] for text in texts} for texts in parts.values()]
    assert all(beginnings)
    assert sum(map(len, beginnings)) == 20


def test_the_split_follows_the_seed_and_not_the_names_of_files(corpus: Corpus, tmp_path: Path) -> None:
    def validates(found: Corpus, seed: int) -> set[bytes]:
        return set(written(tokens_of(found, TokenOptions(seed=seed)), "validation").split(b"\0"))

    before = validates(corpus, 0)
    assert validates(corpus, 1) != before
    for number, file in enumerate(sorted((tmp_path / "corpus").iterdir(), reverse=True)):
        file.rename(file.with_name(f"renamed-{number:02d}.txt"))
    assert validates(corpus_of(str(tmp_path / "corpus"), "text", "auto"), 0) == before


def test_tokens_are_made_once_in_a_private_folder_and_again_when_a_file_changes(corpus: Corpus) -> None:
    there = {*cache_folder("tokens").glob("*/tokens.json")}
    first = tokens_of(corpus, TokenOptions())
    (file,) = {*cache_folder("tokens").glob("*/tokens.json")} - there
    folder = file.parent
    assert folder.parent == cache_folder("tokens")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    made = folder.stat().st_ino
    assert tokens_of(corpus, TokenOptions()).fingerprint == first.fingerprint
    assert folder.stat().st_ino == made
    corpus.files[0].write_text("another text altogether")
    assert tokens_of(corpus, TokenOptions()).fingerprint != first.fingerprint


def test_what_filters_need_is_known_of_each_training_document(corpus: Corpus) -> None:
    data = tokens_of(corpus, TokenOptions())
    assert data.documents["tokens"].sum() == data.parts["train"].count
    assert data.documents["first_exact"].all()
    assert 0 < (~data.documents["first"]).sum() <= 7


def test_a_trained_tokenizer_has_fewer_tokens_of_more_bytes(corpus: Corpus) -> None:
    pytest.importorskip("tokenizers")
    plain, trained = (tokens_of(corpus, TokenOptions(tokenizer=name, vocabulary=400)) for name in ("bytes", "bpe"))
    assert trained.parts["train"].count < plain.parts["train"].count
    assert trained.bytes_per_token > 1.5 * plain.bytes_per_token
    assert trained.parts["train"].dtype == "uint16"


def test_too_few_documents_are_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("only one paragraph")
    with pytest.raises(ConfigurationError, match="1 different documents"):
        tokens_of(corpus_of(str(tmp_path / "one.txt"), "text", "auto"), TokenOptions())


def test_a_file_of_tokens_is_cut_where_it_lies(tmp_path: Path) -> None:
    np.arange(1000, dtype=np.uint16).tofile(tmp_path / "tokens.bin")
    described = {"dtype": "uint16", "vocabulary": 1000, "bytes_per_token": 4.0}
    (tmp_path / "tokens.json").write_text(json.dumps(described))
    data = token_file(tmp_path / "tokens.bin", TokenOptions(validation=0.2, test=0.1))
    assert [(part.begin, part.count) for part in data.parts.values()] == [(0, 700), (700, 200), (900, 100)]
    assert data.bytes_per_token == 4
    (tmp_path / "tokens.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="bytes_per_token"):
        token_file(tmp_path / "tokens.bin", TokenOptions())


@pytest.mark.parametrize(
    ("described", "said"),
    [({"vocabulary": 999}, "it has the token 999"), ({"dtype": "uint32", "vocabulary": 9}, r"multiple of 4")],
)
def test_a_file_of_tokens_that_its_description_does_not_fit_is_refused(
    described: dict[str, object], said: str, tmp_path: Path
) -> None:
    np.arange(1001 if "dtype" in described else 1000, dtype=np.uint16).tofile(tmp_path / "tokens.bin")
    whole = {"dtype": "uint16", "vocabulary": 1000, "bytes_per_token": 4.0, **described}
    (tmp_path / "tokens.json").write_text(json.dumps(whole))
    with pytest.raises(ConfigurationError, match=said):
        token_file(tmp_path / "tokens.bin", TokenOptions())


def test_a_document_larger_than_a_part_is_to_be_trains(corpus: Corpus) -> None:
    text = " ".join(f"{number:06d}" for number in range(20_000))
    corpus.files[0].with_name("book.txt").write_text(text)
    for seed in range(5):
        data = tokens_of(corpus_of(str(corpus.files[0].parent), "text", "auto"), TokenOptions(seed=seed))
        counts = {name: part.count for name, part in data.parts.items()}
        assert counts["train"] > len(text)
        assert counts["validation"] > 0
        assert counts["test"] > 0


def test_documents_that_are_no_text_are_said(corpus: Corpus) -> None:
    assert tokens_of(corpus, TokenOptions()).notes == ()
    folder = corpus.files[0].parent
    (folder / "picture.png").write_bytes(bytes(range(256)) * 4)
    (note,) = tokens_of(corpus_of(str(folder), "text", "auto"), TokenOptions()).notes
    assert note.startswith("1 of 28 documents hold bytes that are no UTF-8 text")
