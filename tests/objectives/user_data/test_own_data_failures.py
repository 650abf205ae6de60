"""What is wrong with a file is told with the file, the line and what to do; D01 to D13 are the ways it can be wrong."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner import Choice, ConfigurationError, SearchSpace
from tuner.objectives.supervised import Supervised
from tuner.objectives.user_data import size_limits
from tuner.objectives.user_data.columns import Category, Ignored, Number
from tuner.objectives.user_data.open_data import Opened, open_data
from tuner.objectives.user_data.options import DataOptions
from tuner.search_spaces.mixed_table_classifier import space as mixed

ROWS = [(f"{index}.5", "ab"[index % 2], "yes" if index % 3 else "no") for index in range(24)]


def table(rows: Sequence[tuple[str, ...]], header: str = "x,kind,label") -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


GOOD = table(ROWS)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Opened]:
    """Opens a file with these contents, of which `label` is to be predicted."""

    def open_(contents: str | bytes, name: str = "t.csv", target: str = "label", **options: Any) -> Opened:
        file = tmp_path / name
        file.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return open_data(file, DataOptions.of({"target": target, **options}), validation=0.2, test=0.2, seed=0)

    return open_


Open = Callable[..., Opened]


def refusal(opened: Open, *arguments: Any, **options: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        opened(*arguments, **options)
    error = raised.value
    assert error.exit_code == 2
    assert not any("\n" in problem for problem in error.problems)
    return error


def column(data: Opened, name: str) -> Any:
    return next(column for column in data.dataset.schema.columns if column.name == name)


def test_d01_na_is_a_country_among_words_and_a_gap_among_numbers(opened: Open) -> None:
    rows = [
        ("NA" if index % 5 == 0 else x, "NA" if index % 2 else kind, label)
        for index, (x, kind, label) in enumerate(ROWS)
    ]
    data = opened(table(rows))
    assert column(data, "kind").levels == ("NA", "a")
    about = {each.name: each.about for each in data.record.columns}
    assert about["x"].endswith("5 gaps")
    assert about["kind"] == "2 levels: NA, a"


def test_d01_the_words_for_a_gap_can_be_given(opened: Open) -> None:
    data = opened(GOOD.replace(",a,", ",unknown,"), missing=["Unknown"])
    assert column(data, "kind").levels == ("b",)
    assert np.isnan(data.dataset.load()[0][:, 1]).sum() == 12


def test_d02_codes_with_zeros_first_stay_what_they_are(opened: Open) -> None:
    data = opened(table([(f"0123{index % 3}", kind, label) for index, (_, kind, label) in enumerate(ROWS)]))
    assert column(data, "x").levels == ("01230", "01231", "01232")


def test_d02_the_type_of_a_column_can_be_given(opened: Open) -> None:
    rows = [(str(index % 3), kind, label) for index, (_, kind, label) in enumerate(ROWS)]
    assert isinstance(column(opened(table(rows)), "x"), Number)
    data = opened(table(rows), columns={"x": "category", "kind": "ignore"})
    assert isinstance(column(data, "x"), Category)
    assert isinstance(column(data, "kind"), Ignored)


def test_d02_a_type_that_does_not_exist_and_one_that_does_not_fit_are_named(opened: Open) -> None:
    error = refusal(opened, GOOD, columns={"x": "numbr", "knd": "category"})
    assert error.problems == (
        "settings.columns.x: 'numbr' is not a type; did you mean 'number'? (types: number, category, date, ignore)",
        "settings.columns.knd: there is no such column; did you mean 'kind'?",
    )
    assert "line 2, column 'kind': 'a' is not a number" in refusal(opened, GOOD, columns={"kind": "number"}).message


@pytest.mark.parametrize("fields", ["7,a,yes,more", "7,a"])
def test_d03_d05_a_row_with_other_fields_than_the_header_is_named_with_its_line(opened: Open, fields: str) -> None:
    error = refusal(opened, GOOD + fields + "\n")
    assert error.message.endswith(f"t.csv, line 26: has {fields.count(',') + 1} fields, and the header has 3")
    assert "separator" in error.hint


def test_d04_a_name_that_two_columns_have_is_refused(opened: Open) -> None:
    error = refusal(opened, table(ROWS, "x,x,label"))
    assert error.message.endswith("t.csv: has more than one column called 'x'")


@pytest.mark.parametrize(
    ("contents", "name", "message"),
    [
        ("", "t.csv", "is empty"),
        ("\n\n", "t.csv", "is empty"),
        ("x,kind,label\n", "t.csv", "has no rows, only names of columns"),
        ("x\n1\n", "t.csv", "has one column only, 'x'"),
        ("1,2,3\n4,5,6\n", "t.csv", "line 1: has numbers where the names of the columns should be"),
        (GOOD + '"open,a,yes\n', "t.csv", "line 26: is not CSV: unexpected end of data"),
        (GOOD.encode() + b"1.5,\xff,yes\n", "t.csv", "is not UTF-8 text"),
        (b"", "t.parquet", "is not a whole Parquet file"),
        (b"PAR1garbagePAR1", "t.parquet", "is not a whole Parquet file"),
        (gzip.compress(GOOD.encode() * 99, mtime=0)[:-20], "t.csv.gz", "is not a whole gzip file"),
        (GOOD.encode(), "t.csv.gz", "is not a whole gzip file"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_d05_a_broken_file_is_refused_in_one_line(opened: Open, contents: str | bytes, name: str, message: str) -> None:
    error = refusal(opened, contents, name)
    assert name in error.message
    assert message in error.message


def test_d05_another_encoding_can_be_given(opened: Open) -> None:
    text = GOOD.replace(",a,", ",ä,")
    assert "latin-1" in refusal(opened, text.encode("latin-1")).hint
    assert column(opened(text.encode("latin-1"), encoding="latin-1"), "kind").levels == ("b", "ä")
    assert column(opened(text.encode("utf-16")), "kind").levels == ("b", "ä")
    assert "unknown encoding 'latn'" in refusal(opened, text, encoding="latn").message


@pytest.mark.parametrize("text", ["1e999", "-inf", "1e39"])
def test_d06_a_number_that_is_not_finite_is_named_with_its_line(opened: Open, text: str) -> None:
    error = refusal(opened, GOOD + f"{text},a,yes\n")
    assert f"line 26, column 'x': {text!r} is not a finite number of 32 bits" in error.message


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (ROWS, {"target": "lable"}, "settings.target: there is no column 'lable'; did you mean 'label'?"),
        (
            ROWS,
            {"target": None},
            "target: missing; which column is to be predicted? (columns: x, kind, label)",
        ),
        (
            [(x, kind, "") for x, kind, _ in ROWS],
            {},
            "'label', the target: nothing can be learnt, it has no value in any",
        ),
        ([(x, kind, "yes") for x, kind, _ in ROWS], {}, "the target: nothing can be learnt, it is 'yes' in every row"),
        (
            [(x, kind, "7") for x, kind, _ in ROWS],
            {"task": "regression"},
            "nothing can be learnt, it is '7' in every row",
        ),
        ([(x, kind, f"u{x}") for x, kind, _ in ROWS], {}, "has 24 different values in 24 rows, which are too many for"),
        ([("1", "a", label) for _, _, label in ROWS], {}, "there is no column that anything can be learnt from"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_d07_a_target_that_nothing_can_be_learnt_about_is_refused(
    opened: Open, rows: Sequence[tuple[str, ...]], options: dict[str, Any], message: str
) -> None:
    assert message in refusal(opened, table(rows), **options).message


def test_d07_rows_without_a_target_are_left_out_and_counted(opened: Open) -> None:
    data = opened(GOOD + "1.5,a,\n2.5,b,\n")
    assert len(data.dataset.load()[1]) == 24
    assert "rows without a 'label' are left out: 2" in data.notes


def test_d08_a_class_that_could_not_be_trained_is_refused_and_a_rare_one_is_told(opened: Open, tmp_path: Path) -> None:
    rare = GOOD + "1.5,a,maybe\n"
    told = [note for note in opened(rare).notes if "'maybe'" in note]
    assert any("no example in the" in note for note in told)
    assert any('metric = "f1"' in note for note in told)
    with pytest.raises(ConfigurationError, match=r"too few examples .* one of each class: 'no' \(8\)"):
        open_data(tmp_path / "t.csv", DataOptions(target="label"), validation=0.05, test=0.9, seed=0)


def test_d09_one_hot_columns_that_no_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.objectives._space_checks._MOST_ONE_HOT", 1000)
    file = tmp_path / "t.csv"
    file.write_text(table([(x, f"city {index % 12}", label) for index, (x, _, label) in enumerate(ROWS)]))
    objective = Supervised({"dataset": str(file), "target": "label"}, seed=0)
    (problem,) = objective.problems(mixed)
    assert problem.startswith("encoding: one-hot columns would take 0.0 GiB, 'kind' alone has 12 levels")
    assert not objective.problems(SearchSpace(encoding=Choice("embedding")))


def test_d08_two_classes_are_needed_to_compare_trials_and_few_examples_are_told(opened: Open, tmp_path: Path) -> None:
    told = "24 examples are 15 to train, 5 to validate and 4 to test"
    assert any(note.startswith(told) for note in opened(GOOD).notes)
    five = "x,label\n" + "".join(f"{row}.5,{'yes' if row % 2 else 'no'}\n" for row in range(5))
    with pytest.raises(ConfigurationError, match="too few examples for the training split to have one of each class"):
        opened(five)
    opened(GOOD)
    with pytest.raises(ConfigurationError, match="too few examples for the validation split to have two classes"):
        open_data(tmp_path / "t.csv", DataOptions(target="label"), validation=0.05, test=0.2, seed=0)
    values = "x,label\n" + "".join(f"{row}.5,{row}.25\n" for row in range(5))
    told = "5 examples are 3 to train, 1 to validate and 1 to test"
    assert any(note.startswith(told) for note in opened(values).notes)
    with pytest.raises(ConfigurationError, match=r"0\.2 of 3 examples is none"):
        opened("x,label\n1.5,0.25\n2.5,1.25\n7.5,3.25\n", task="regression")


@pytest.mark.parametrize(
    ("write", "ordered"),
    [
        (lambda index: f"2024-01-{1 + index:02}", True),
        (lambda index: str(1_700_000_000 + 60 * index), True),
        (lambda index: str(-index * 1.5), True),
        (lambda index: f"2024-01-{1 + index * 7 % 24:02}", False),
        (lambda index: str(index // 8), False),
    ],
    ids=["days", "moments", "falling", "mixed days", "sorted groups"],
)
def test_d12_rows_in_the_order_of_time_are_told(opened: Open, write: Callable[[int], str], *, ordered: bool) -> None:
    rows = [(write(index), kind, label) for index, (_, kind, label) in enumerate(ROWS)]
    told = "the rows lie in the order of column 'x', and the split is random"
    assert any(note.startswith(told) for note in opened(table(rows)).notes) is ordered


def test_d06_large_numbers_that_a_scaling_may_leave_as_they_are_are_told(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = [(str(1_700_000_000_000 + index * 977), kind, label) for index, (_, kind, label) in enumerate(ROWS)]
    file.write_text(table(rows))
    objective = Supervised({"dataset": str(file), "target": "label"}, seed=0)
    (told,) = [note for note in objective.notes(mixed) if note.startswith("scaling")]
    assert "none leaves column 'x' as it is, up to 1.7e+12" in told
    assert "of 24 different values 1 are left" in told
    robust = objective.notes(SearchSpace(scaling=Choice("robust")))
    assert not any(note.startswith("scaling") for note in robust)


def test_d10_a_gzip_file_that_unpacks_to_too_much_is_not_unpacked(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size_limits, "UNSUSPECTED", 100_000)
    bomb = gzip.compress(b"x,kind,label\n" + b"1,a,yes\n" * 500_000, mtime=0)
    assert "unpacks to more than 100 times its size" in refusal(opened, bomb, "t.csv.gz").message


def test_d10_a_parquet_file_with_more_rows_than_it_weighs_is_not_read(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size_limits, "UNSUSPECTED", 100_000)
    pd.DataFrame({"x": np.zeros(300_000), "label": "yes"}).to_parquet(tmp_path / "t.parquet")
    assert "unpacks to more than 100" in refusal(opened, (tmp_path / "t.parquet").read_bytes(), "t.parquet").message


def test_d11_data_is_the_same_wherever_it_lies_and_another_when_it_changes(opened: Open) -> None:
    prints = [
        opened(contents, name).record.fingerprint
        for contents, name in ((GOOD, "a.csv"), (GOOD, "b.csv"), (GOOD + "1.5,a,no\n", "a.csv"))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_d12_rows_that_are_trained_and_tested_on_are_counted(opened: Open) -> None:
    notes = opened(table(ROWS * 3)).notes
    assert any("examples of the test split" in note and "in the training split too" in note for note in notes)


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        (lambda index, label: {"yes": "paid", "no": ""}[label], True),
        (lambda index, label: {"yes": str(100 + index), "no": str(index)}[label], True),
        (lambda index, label: str(index * 7 % 5), False),
        (lambda index, label: "abc"[index * 7 % 3 % 2], False),
    ],
    ids=["a word for each class", "an interval for each class", "numbers", "words"],
)
def test_d12_a_column_that_tells_the_class_alone_is_named(
    opened: Open, leak: Callable[[int, str], str], *, told: bool
) -> None:
    rows = [(x, leak(index * 5 % 24, label), label) for index, (x, _, label) in enumerate(ROWS)]
    notes = opened(table(rows, "x,leak,label")).notes
    assert any(note.startswith("column 'leak' alone determines 'label'") for note in notes) is told


def test_d12_a_column_that_tells_the_value_alone_is_named(opened: Open) -> None:
    rows = [(str(index * 2.54 + 3), kind, str(float(index) + 0.25)) for index, (_, kind, _) in enumerate(ROWS)]
    assert any("column 'x' alone determines 'label'" in note for note in opened(table(rows)).notes)


@pytest.mark.parametrize("ids", [lambda index: f"user-{index}", str], ids=["words", "row numbers"])
def test_d12_a_column_that_names_the_rows_is_left_out_and_can_be_kept(opened: Open, ids: Callable[[int], str]) -> None:
    rows = [(ids(index), kind, label) for index, (_, kind, label) in enumerate(ROWS)]
    data = opened(table(rows))
    assert isinstance(column(data, "x"), Ignored)
    assert any(note.startswith("column 'x' is left out") and 'x = "category" keeps it' in note for note in data.notes)
    assert isinstance(column(opened(table(rows), columns={"x": "category"}), "x"), Category)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_d13_a_table_is_the_same_in_every_dialect(opened: Open, separator: str, line_end: str, mark: str) -> None:
    text = mark + GOOD.replace(",", separator).replace("\n", line_end)
    features, targets = opened(text).dataset.load()
    whole = opened(GOOD, "whole.csv").dataset.load()
    np.testing.assert_array_equal(features, whole[0])
    np.testing.assert_array_equal(targets, whole[1])


def test_d13_quoted_fields_may_have_separators_quotes_and_lines_in_them(opened: Open) -> None:
    text = GOOD.replace(",a,", ',"a ""b"", c\nd",')
    assert column(opened(text), "kind").levels == ('a "b", c\nd', "b")


@pytest.mark.parametrize(
    ("write", "notation"),
    [("{:,}", "1,234.5"), ("{:,}", "1.234,5"), ("{}", "1234,5"), ("{}", "1234.5")],
)
def test_d13_numbers_are_read_in_every_notation(opened: Open, write: str, notation: str) -> None:
    swapped = str.maketrans({",": ".", ".": ","} if notation in {"1.234,5", "1234,5"} else {})
    values = [index * 517.25 for index in range(24)]
    rows = [
        (f'"{write.format(value).translate(swapped)}"', kind, label)
        for value, (_, kind, label) in zip(values, ROWS, strict=True)
    ]
    data = opened(table(rows))
    assert column(data, "x").notation == notation
    np.testing.assert_allclose(data.dataset.load()[0][:, 0], values)


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y"]
)
def test_d13_dates_are_read_in_every_format(opened: Open, form: str) -> None:
    days = pd.date_range("2023-12-20", periods=24)
    rows = [(day.strftime(form), kind, label) for day, (_, kind, label) in zip(days, ROWS, strict=True)]
    data = opened(table(rows))
    assert column(data, "x").type == "date"
    np.testing.assert_array_equal(data.dataset.load()[0][:, 0], (days - pd.Timestamp(0)).days)


def test_d13_a_nul_byte_is_named_with_its_line(opened: Open) -> None:
    assert "line 26: has a NUL byte" in refusal(opened, GOOD + "1.5,a\0,yes\n").message


def test_d13_one_word_among_numbers_makes_a_category_of_the_whole_column(opened: Open) -> None:
    rows = [("none" if index == 23 else str(index % 4), kind, label) for index, (_, kind, label) in enumerate(ROWS)]
    assert isinstance(column(opened(table(rows)), "x"), Number)
    assert isinstance(column(opened(table([*rows, ("often", "a", "yes")])), "x"), Category)
