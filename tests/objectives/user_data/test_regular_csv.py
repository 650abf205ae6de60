"""What pyarrow parses is what the strict parser of the standard library reads, to the cell and the line."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuner import ConfigurationError
from tuner.objectives.user_data import regular_csv
from tuner.objectives.user_data.table_reader import LINE, parsed, read_table

FIELDS = st.sampled_from(
    ["", "a", " ", "1", '"a"', '"a,b"', '"a""b"', '"a\nb"', 'a"b', '"a"b', '"', '""', "é", "\r", "\0"]
)
LINES = st.lists(FIELDS, min_size=1, max_size=3).map(",".join)


def _read(path: Path, *, is_regular: bool) -> Any:
    return parsed(path, ",", None, 1, is_regular=is_regular)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv") / "t.csv"


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(LINES | st.just(""), max_size=6),
    end=st.sampled_from(["", "\n", "\r\n", "\n\n"]),
    block=st.sampled_from([1, 7, 2**20]),
)
@example(rows=['"a"b,"c"'], end="\n", block=1)
@example(rows=["a,b", "", "c,d"], end="", block=1)
@example(rows=['"",a', '"a', 'b",c'], end="\n\n", block=1)
@example(rows=['5" pipe,a', "b,c"], end="", block=1)
def test_what_is_parsed_fast_is_what_the_strict_parser_reads(path: Path, rows: list[str], end: str, block: int) -> None:
    path.write_text("\n".join(["x,y", *rows]) + end, encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regular_csv, "_BLOCK", block)
        patch.setattr("tuner.objectives.user_data.table_reader._SAMPLED_LINES", 2)
        try:
            fast = _read(path, is_regular=True)
        except ConfigurationError:
            fast = None  # what the header says is the same for both
        if fast is not None:
            pd.testing.assert_frame_equal(fast, _read(path, is_regular=False), check_index_type=False, check_exact=True)


@pytest.mark.parametrize(
    "text",
    [
        'x,y\n1,"a,b"\n2,"say ""so"""\n',
        "x,y\r\n1,a\r\n2,b\r\n\r\n",
        "sep=,\nx,y\n1,a\n2,b",
        "\n\nx,y\n1,a\n2,b\n",
        "x,y\n" + "".join(f"{row},{row % 7}\n" for row in range(200_000)),
    ],
)
def test_tables_as_programs_write_them_are_parsed_fast(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
    fast = parsed(path, None, None, 2, is_regular=True)
    assert fast is not None
    pd.testing.assert_frame_equal(fast, parsed(path, None, None, 2, is_regular=False), check_index_type=False)


def test_words_for_a_gap_and_zeros_first_stay_the_text_that_they_are(path: Path) -> None:
    path.write_text("x,y\nNA,007\nnull,1e5\n,-0\n", encoding="utf-8")
    frame = read_table(path)
    assert frame.to_numpy().tolist() == [["NA", "007"], ["null", "1e5"], ["", "-0"]]
    assert frame.index.name == LINE
    assert frame.index.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y\n1,a\n2\n", "line 3: has 1 field"),
        ('x,y\n1,a\n2,"b"c\n', "line 3: is not CSV"),
        ('x,y\n1,a\n\n2,"b\nc"\n3\n', "line 6: has 1 field"),
        ('x,y\n1,a\n2,"b\n', "line 3: is not CSV"),
        ("x,y\n1,a\n2,\0\n", "line 3: has a NUL byte"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(path: Path, text: str, told: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        read_table(path)


def test_a_cell_longer_than_the_strict_parser_takes_is_refused(path: Path) -> None:
    path.write_text(f"x,y\n1,{'a' * 200_000}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 2: is not CSV: field larger than field limit"):
        read_table(path)


def test_a_separator_beyond_ascii_separates(path: Path) -> None:
    path.write_text("x§y\n1§a\n", encoding="utf-8")
    assert read_table(path, separator="§").to_numpy().tolist() == [["1", "a"]]
