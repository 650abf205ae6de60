import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.text.corpus import corpus_of
from tuner.objectives.text.labelled_texts import LabelledTexts, labelled_texts

ROWS = [("one text", "b"), ("another, with a comma", "a"), ("", "a"), ("no class", None), ("the last", "b")]
KNOWN = ROWS[:2] + ROWS[4:]


def read(path: Path, target: str | None = "kind") -> LabelledTexts:
    return labelled_texts(corpus_of(str(path), "text", "auto"), str(path), target)


def table(tmp_path: Path, name: str) -> Path:
    frame, path = pd.DataFrame(ROWS, columns=["text", "kind"]), tmp_path / name
    if name.endswith(".csv"):
        frame.to_csv(path, index=False)
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        path.write_text("\n".join(json.dumps({"text": text, "kind": kind}) for text, kind in ROWS))
    return path


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_rows_of_tables_have_a_text_and_a_class_and_those_without_are_left_out(name: str, tmp_path: Path) -> None:
    found = read(table(tmp_path, name))
    assert [*zip(found.texts, found.labels, strict=True)] == KNOWN
    assert found.classes == ["a", "b"]
    assert found.targets.tolist() == [1, 0, 1]
    assert found.unlabelled == 2


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_a_column_that_is_not_there_is_said_with_those_that_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no (column )?'mood'.*text, kind"):
        read(table(tmp_path, name), "mood")


def test_whole_numbers_are_classes_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "kind": 1}\n{"text": "y", "kind": 0.0}\n')
    assert read(tmp_path / "a.jsonl").labels == ("1", "0")
    (tmp_path / "a.jsonl").write_text('{"text": "x", "kind": [1]}\n')
    with pytest.raises(ConfigurationError, match="line 1: 'kind' holds values of type list, not classes"):
        read(tmp_path / "a.jsonl")


def test_folders_name_the_classes_of_the_texts_in_them(tmp_path: Path) -> None:
    for name in ("good/1.txt", "good/deep/2.txt", "bad/1.txt"):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(name)
    found = read(tmp_path / "texts", None)
    assert sorted(zip(found.labels, found.texts, strict=True)) == [
        ("bad", "bad/1.txt"),
        ("good", "good/1.txt"),
        ("good", "good/deep/2.txt"),
    ]
    (tmp_path / "texts" / "stray.txt").write_text("of no class")
    with pytest.raises(ConfigurationError, match=r"stray\.txt: is in no folder"):
        read(tmp_path / "texts", None)


def test_one_class_and_files_without_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "kind": 1}\n')
    with pytest.raises(ConfigurationError, match="only '1' in column 'kind'"):
        read(tmp_path / "a.jsonl")
    (tmp_path / "a.md").write_text("a text")
    with pytest.raises(ConfigurationError, match=r"a\.md: has no columns"):
        read(tmp_path / "a.md")
    with pytest.raises(ConfigurationError, match=r"settings\.target: missing"):
        read(tmp_path / "a.jsonl", None)


def test_copies_of_a_text_are_in_the_part_where_it_is_and_classes_have_their_shares() -> None:
    texts = [f"text number {number} " + "of many words " * 20 + str(number) * 30 for number in range(40)]
    found = LabelledTexts(
        texts=(*texts, *(f"{text} again" for text in texts)), labels=(*["a", "b"] * 20, *["a", "b"] * 20), unlabelled=0
    )
    split = found.split(validation=0.2, test=0.2, near_duplicates=0.5, seed=3)
    parts = (split.train, split.validation, split.test)
    assert sorted(np.concatenate(parts)) == [*range(80)]
    for rows in parts:
        assert {*rows % 40} == {*rows[rows < 40]} == {*(rows[rows >= 40] - 40)}
        assert abs(found.targets[rows].mean() - 0.5) < 0.2
