"""What people's files have in them is read as it was meant, or it is told, or it is refused; never silently misread."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nasty_files import (
    BAD,
    BROKEN,
    DATES,
    FILES,
    MISTAKES,
    NO_DATES,
    ROWS,
    WRITINGS,
    Nasty,
    days,
    table,
    values,
)

from tuner import ConfigurationError
from tuner.objectives.user_data.columns import Category, Column, Date, Number
from tuner.objectives.user_data.open_data import Opened, open_data
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.raw_inputs import TableReader, from_description, reader_of
from tuner.objectives.user_data.table_reader import read_table


def opened(folder: Path, contents: bytes, name: str = "t.csv", **options: Any) -> Opened:
    """Return the data as `tuner check` opens it."""
    (folder / name).write_bytes(contents)
    chosen = DataOptions.of({"target": "label", **options})
    return open_data(folder / name, chosen, validation=0.2, test=0.2, seed=0)


def is_read_as_it_was_meant(data: Opened, nasty: Nasty) -> bool:
    """Whether the column `x` says what it was written from."""
    assert nasty.truth is not None
    schema = data.dataset.schema
    (column, place), *_ = [each for each in schema.features_by_column if each[0].name == "x"]
    return column.names != () and _equal(column, data.dataset.load()[0][:, place], nasty.truth)


def _equal(column: Column, features: Any, truth: Any) -> bool:
    match column:
        case Number():
            meant = [np.nan if each is None else each for each in truth]
            known = all(not isinstance(each, str | dt.date) for each in meant)
            return known and bool(np.allclose(features[:, 0], np.array(meant, dtype=float), rtol=1e-12, equal_nan=True))
        case Category():
            found = [None if np.isnan(code) else column.levels[int(code)] for code in features[:, 0]]
            return found == list(truth)
        case Date():
            found = [np.datetime64(int(day), "D").astype(object) for day in features[:, 0]]
            return found == list(truth)
    return False


def test_there_are_files_enough() -> None:
    assert len(FILES) >= 130


def _became(folder: Path, nasty: Nasty) -> tuple[str, Sequence[str]]:
    """Return what became of a file: "read", "noted", "misread" or "refused"; and what was told of it."""
    try:
        data = opened(folder, nasty.contents, nasty.name)
    except ConfigurationError as error:
        return "refused", error.problems
    if nasty.truth is not None and is_read_as_it_was_meant(data, nasty):
        return "read", data.notes
    return "noted" if any("'x'" in note for note in data.notes) else "misread", data.notes


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_it_was_meant_or_told_or_refused(tmp_path: Path, name: str) -> None:
    nasty = FILES[name]
    became, told = _became(tmp_path, nasty)
    noted = any("'x'" in each for each in told)
    assert became in nasty.outcomes or (noted and nasty.outcomes == {"noted"}), told
    if became == "refused":
        assert all(nasty.name in each and "\n" not in each for each in told)
        named = [nasty.told] if nasty.told else [f"line {BAD + 2}", "column 'x'"]
        assert all(each in told[0] for each in named), told


def _reader(folder: Path, cells: list[str]) -> TableReader:
    """Return what reads rows for a model that was trained on a table with these cells, as an export keeps it."""
    dataset = opened(folder, table(cells, ";").encode()).dataset
    reader = from_description(reader_of(dataset, dataset.load()[0]).describe())
    assert isinstance(reader, TableReader)
    return reader


def _predicted(folder: Path, reader: TableReader, cells: list[str]) -> Any:
    """Return what the reader makes of the cells of a file."""
    (folder / "new.csv").write_text(table(cells, ";"), encoding="utf-8")
    return reader(read_table(folder / "new.csv", fewest=1))[:, 0]


@pytest.mark.parametrize("learnt", WRITINGS)
def test_prediction_reads_a_column_as_it_was_learnt(tmp_path: Path, learnt: str) -> None:
    truth, further = values(), values(seed=1)
    reader = _reader(tmp_path, [WRITINGS[learnt](value) for value in truth])
    found = _predicted(tmp_path, reader, [WRITINGS[learnt](value) for value in further])
    np.testing.assert_allclose(found, further, rtol=1e-12)


@pytest.mark.parametrize("learnt", WRITINGS)
def test_a_number_in_another_notation_is_itself_or_refused(tmp_path: Path, learnt: str) -> None:
    data = opened(tmp_path, table([WRITINGS[learnt](value) for value in values()], ";").encode())
    number = data.dataset.schema.columns[0]
    several = [
        (write(value).strip(), value) for write in WRITINGS.values() for value in (7.5, -7.5, 1234.25, 1_234_567.75)
    ]
    found = number.writing.numbers(pd.Series([cell for cell, _ in several], dtype="str"))
    wrong = [(*each, read) for each, read in zip(several, found, strict=True) if not np.isnan(read) and each[1] != read]
    assert not wrong
    assert np.isnan(found).any()


@pytest.mark.parametrize(
    "learnt", ["plain", "commas group", "commas are decimal", "points group", "percent", "kilograms"]
)
def test_prediction_names_the_cell_that_breaks_a_columns_notation(tmp_path: Path, learnt: str) -> None:
    reader = _reader(tmp_path, [WRITINGS[learnt](value) for value in values()])
    good = WRITINGS[learnt](3.25)
    cells = [*MISTAKES, *([BROKEN[learnt]] if learnt in BROKEN else [])]
    for cell in cells:
        with pytest.raises(ConfigurationError, match=r"line 3, column 'x'"):
            _predicted(tmp_path, reader, [good, cell])
    assert np.isnan(_predicted(tmp_path, reader, [good, "NA"])[1])


@pytest.mark.parametrize("learnt", DATES)
def test_prediction_reads_dates_as_they_were_learnt(tmp_path: Path, learnt: str) -> None:
    reader = _reader(tmp_path, [DATES[learnt](day) for day in days()])
    day = dt.date(2023, 12, 4)
    (read,) = _predicted(tmp_path, reader, [DATES[learnt](day)])
    assert np.datetime64(int(read), "D").astype(object) == day
    for cell in NO_DATES:
        with pytest.raises(ConfigurationError, match=r"line 2, column 'x'"):
            _predicted(tmp_path, reader, [cell])


def test_numbers_in_a_dataframe_are_numbers_whatever_the_notation_was(tmp_path: Path) -> None:
    reader = _reader(tmp_path, [WRITINGS["euros"](value) for value in values()])
    for column in ([7.5, 1234.25], [7.5, "1.234,25 \u20ac"], pd.array([7.5, 1234.25], dtype="Float64")):
        frame = pd.DataFrame({"x": column, "other": 1})
        np.testing.assert_array_equal(reader(frame)[:, 0], [7.5, 1234.25])
    np.testing.assert_array_equal(reader([[7.5, 1], ["1.234,25 \u20ac", 1]])[:, 0], [7.5, 1234.25])


def test_moments_are_no_numbers_and_numbers_are_no_moments(tmp_path: Path) -> None:
    numbers = _reader(tmp_path, [WRITINGS["plain"](value) for value in values()])
    with pytest.raises(ConfigurationError, match="row 1, column 'x'"):
        numbers(pd.DataFrame({"x": pd.to_datetime(["2024-01-31"]), "other": 1}))
    dates = _reader(tmp_path, [day.isoformat() for day in days()])
    with pytest.raises(ConfigurationError, match="row 1, column 'x'"):
        dates(pd.DataFrame({"x": [1_700_000_000], "other": 1}))
    for day in (dt.date(2024, 1, 31), pd.Timestamp("2024-01-31"), "2024-01-31"):
        found = dates(pd.DataFrame({"x": pd.Series([day], dtype=object), "other": 1}))
        assert found[0, 0] == (dt.date(2024, 1, 31) - dt.date(1970, 1, 1)).days


POINTED = [f"{abs(round(value)):,}".replace(",", ".") for value in values()]


def test_what_a_mark_means_can_be_said(tmp_path: Path) -> None:
    meant = [float(cell.replace(".", "")) for cell in POINTED]
    contents = table(POINTED, ";").encode()
    noted = opened(tmp_path, contents)
    np.testing.assert_array_equal(noted.dataset.load()[0][:, 0], meant)
    assert any("'x'" in note and 'decimal = "."' in note for note in noted.notes)
    said = opened(tmp_path, contents, decimal=",")
    np.testing.assert_array_equal(said.dataset.load()[0][:, 0], meant)
    assert not any("decimal" in note for note in said.notes)


def test_a_column_that_can_be_read_in_one_way_tells_what_a_mark_means_in_the_others(tmp_path: Path) -> None:
    rows = ["x;y;label"]
    rows += [f"{1 + row % 9}.{row * 7 + 100};{row}.5;{'yes' if row % 3 else 'no'}" for row in range(ROWS)]
    data = opened(tmp_path, "\n".join(rows).encode())
    assert data.dataset.load()[0][:, 0].max() < 10
    assert not any("'x'" in note for note in data.notes)


def test_which_of_day_and_month_is_first_can_be_said(tmp_path: Path) -> None:
    cells = [f"{1 + row % 12:02}/{1 + row % 11:02}/2023" for row in range(ROWS)]
    months = [column.format for column in opened(tmp_path, table(cells).encode()).dataset.schema.columns[:1]]
    days_first = opened(tmp_path, table(cells).encode(), day_first=True)
    assert [*months, days_first.dataset.schema.columns[0].format] == ["%m/%d/%Y", "%d/%m/%Y"]
    assert not any("day_first" in note for note in days_first.notes)


def test_a_word_can_be_taken_for_a_gap_and_a_gap_for_a_word(tmp_path: Path) -> None:
    cells = [WRITINGS["plain"](value) for value in values()]
    contents = table([*cells[:BAD], "12.3 (est)", *cells[BAD + 1 :]]).encode()
    data = opened(tmp_path, contents, missing=["12.3 (est)"])
    assert np.isnan(data.dataset.load()[0][BAD, 0])
    words = table([["NaN", "a", "b"][row % 3] for row in range(ROWS)]).encode()
    assert opened(tmp_path, words).dataset.schema.columns[0].levels == ("a", "b")
    assert opened(tmp_path, words, missing=[]).dataset.schema.columns[0].levels == ("NaN", "a", "b")


@pytest.mark.parametrize(
    ("word", "classes", "told"),
    [
        ("NA", ("NA", "no", "yes"), "'NA' is taken for a word like its others; missing = [\"NA\"]"),
        ("NaN", ("no", "yes"), "'NaN' in column 'label' is taken for a gap"),
    ],
)
def test_what_a_target_is_taken_for_is_told(tmp_path: Path, word: str, classes: tuple[str, ...], told: str) -> None:
    lines = ["x,label", *(f"{row}.5,{[word, 'yes', 'no'][row * 5 % 7 % 3]}" for row in range(ROWS))]
    data = opened(tmp_path, "\n".join(lines).encode())
    assert data.dataset.labels == classes
    assert any(told in note for note in data.notes)


def test_classes_keep_the_words_that_the_data_has_for_them(tmp_path: Path) -> None:
    lines = ["x,label", *(f"{row}.5,{['10%', '20%'][row * 5 % 7 % 2]}" for row in range(ROWS))]
    assert opened(tmp_path, "\n".join(lines).encode()).dataset.labels == ("10%", "20%")


def test_a_target_with_one_bad_value_names_its_line(tmp_path: Path) -> None:
    lines = ["x,label", *(f"{row * 7 % 10},{'12.3 (est)' if row == BAD else row * 1.5}" for row in range(ROWS))]
    with pytest.raises(
        ConfigurationError, match=rf"column 'label': {ROWS - 1} of {ROWS} values are numbers, line {BAD + 2}"
    ):
        opened(tmp_path, "\n".join(lines).encode())


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (lambda row: f"+49 {100 + row} {900 - row}", "as telephone numbers are, such as '+49 100 900'"),
        (lambda row: f"{1 + row % 7}E{row % 3}", "two whole numbers with an E between them, such as '1E0'"),
    ],
)
def test_numbers_that_are_written_as_names_are_told(written: Any, told: str, tmp_path: Path) -> None:
    rows = [f"{written(row)},{'ab'[row % 2]}" for row in range(ROWS)]
    notes = opened(tmp_path, "\n".join(["x,label", *rows]).encode()).notes
    assert any(told in note and '[settings.columns] x = "category"' in note for note in notes), notes
