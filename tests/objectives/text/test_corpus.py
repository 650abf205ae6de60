import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.corpus import STDLIB, contents_hash, corpus_of


def texts(dataset: str, column: str = "text", documents: str = "auto") -> list[str]:
    return [*corpus_of(dataset, column, documents).texts()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "corpus"
    (place / "deep").mkdir(parents=True)
    (place / "b.txt").write_text("two\n\nparts")
    (place / "deep" / "a.txt").write_text("one")
    (place / ".hidden").write_text("never")
    return place


def test_a_folder_has_a_document_in_each_file_and_a_pattern_chooses_some(folder: Path) -> None:
    assert texts(str(folder)) == ["two\n\nparts", "one"]
    assert texts(str(folder / "**" / "a.*")) == ["one"]


def test_a_single_file_is_cut_at_blank_lines_unless_a_file_is_a_document(folder: Path) -> None:
    assert texts(str(folder / "b.txt")) == ["two\n", "parts"]
    assert texts(str(folder / "b.txt"), documents="file") == ["two\n\nparts"]
    assert texts(str(folder), documents="paragraph") == ["two\n", "parts", "one"]


def test_rows_of_jsonl_and_parquet_are_documents(tmp_path: Path) -> None:
    rows = ["first", "second\n\nwith a blank line"]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"body": row}) for row in rows))
    pq.write_table(pa.table({"body": rows}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert texts(str(tmp_path / name), "body") == rows
        with pytest.raises(ConfigurationError, match=r"'text'.*body"):
            texts(str(tmp_path / name))


def test_bytes_that_are_no_text_are_replaced_and_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert texts(str(tmp_path / "latin.txt")) == ["caf�"]
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n{broken')
    with pytest.raises(ConfigurationError, match="line 2"):
        texts(str(tmp_path / "a.jsonl"))


def test_a_row_without_text_is_left_out_and_one_with_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "first"}\n{"text": null}\n{"text": "half a letter: \\ud83d"}\n')
    assert texts(str(tmp_path / "a.jsonl")) == ["first", "half a letter: ?"]
    pq.write_table(pa.table({"text": ["first", None]}), tmp_path / "a.parquet")
    assert texts(str(tmp_path / "a.parquet")) == ["first"]
    (tmp_path / "b.jsonl").write_text('{"text": "first"}\n{"text": 5}\n')
    with pytest.raises(ConfigurationError, match="line 2: 'text' holds values of type int, not text"):
        texts(str(tmp_path / "b.jsonl"))
    (tmp_path / "c.jsonl").write_text("[1, 2]\n")
    with pytest.raises(ConfigurationError, match="line 1: is a list"):
        texts(str(tmp_path / "c.jsonl"))


@pytest.mark.parametrize("values", [[1, 2], [b"bytes", b"more"], [["a"], ["list"]]])
def test_a_parquet_column_that_is_not_text_is_refused(values: list[object], tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": values}), tmp_path / "a.parquet")
    with pytest.raises(ConfigurationError, match=r"row 1: 'text' holds values of type \w+, not text"):
        texts(str(tmp_path / "a.parquet"))


def test_every_type_of_text_in_parquet_is_read(tmp_path: Path) -> None:
    words = pa.array(["first", "second"])
    for kind in (words, words.cast(pa.large_string()), words.dictionary_encode()):
        pq.write_table(pa.table({"text": kind}), tmp_path / "a.parquet")
        assert texts(str(tmp_path / "a.parquet")) == ["first", "second"]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.dataset"):
        corpus_of(str(tmp_path / "*.txt"), "text", "auto")


def test_the_contents_hash_is_that_of_the_contents_wherever_they_lie(folder: Path) -> None:
    before, identity = (
        contents_hash(corpus_of(str(folder), "text", "auto")),
        corpus_of(str(folder), "text", "auto").identity(),
    )
    moved = folder.rename(folder.with_name("moved"))
    assert contents_hash(corpus_of(str(moved), "text", "auto")) == before
    (moved / "b.txt").write_text("changed")
    assert contents_hash(corpus_of(str(moved), "text", "auto")) != before
    assert corpus_of(str(moved), "text", "auto").identity() != identity


def test_the_standard_library_ships() -> None:
    assert len(corpus_of(STDLIB, "text", "auto").files) > 100
