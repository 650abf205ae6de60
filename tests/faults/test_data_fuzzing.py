"""Whatever is in a file: a dataset that can be trained on, or a refusal in words; never a traceback.

`TUNER_FUZZ_EXAMPLES=10` tries ten times as many files as usual, and new ones every time.
"""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from faults.test_fuzzing import tried
from hypothesis import example, given
from hypothesis import strategies as st

from tuner import ConfigurationError
from tuner.objectives._components import PARTS
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.user_data.open_data import Opened, open_data
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.schema import Schema

NUMBERS = ["0", "1", "-3", "2.5", "1e5", "+7", ".5", "1e999", "inf", "nan", "NA", "", "٣", "1_000", "0x10"]
WORDS = ["a", "b", "yes", "True", "NA", "None", "", " ", "é", "\u202e", "\x1b[2J", "=1+1", "a" * 5_000, "01234", "00"]
DATES = ["2024-01-31", "2024-02-30", "31.12.2023", "12/31/2023", "2024-01-31T10:00:00Z", "0001-01-01", "9999-12-31", ""]
DIALECTS = ["1,234", "1.234,5", "0,5", "12%", "$3", '"', "a,b", "a;b", "a\nb", "\x00", "²", "?", "-"]
CELLS = st.sampled_from([*NUMBERS, *WORDS, *DATES, *DIALECTS]) | st.text(max_size=5) | st.floats().map(str)
KINDS = st.one_of(
    st.lists(st.sampled_from(NUMBERS[:7]), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=4, unique=True),
    st.lists(st.sampled_from(DATES), min_size=1, max_size=3),
    st.lists(CELLS, min_size=1, max_size=3),
)
"""What the cells of a column are drawn from."""
NAMES = st.sampled_from(["x", "y", "z", "", " ", "label ", "1", "é", "a b", "a.b", "'", "[x]", "\x1b[2J"])


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Draw a table: mostly with a label that has two values, and as many fields in each row."""
    header = draw(st.lists(NAMES, min_size=1, max_size=4, unique=draw(st.integers(0, 9)) > 0))
    kinds = [draw(KINDS) for _ in header]
    if draw(st.integers(0, 9)) > 0:
        header, kinds = [*header, "label"], [*kinds, draw(st.sampled_from([["yes", "no"], ["0", "1"], NUMBERS[:5]]))]
    count = draw(st.integers(0, 2) | st.integers(8, 40))
    rows = [[draw(st.sampled_from(kind)) for kind in kinds] for _ in range(count)]
    if draw(st.integers(0, 9)) == 0:
        rows.append(draw(st.lists(CELLS, max_size=4)))
    text = io.StringIO()
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    csv.writer(text, delimiter=draw(st.sampled_from(",;\t|")), lineterminator=ends).writerows([header, *rows])
    return text.getvalue()


OPTIONS: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        "task": st.sampled_from(["classification", "regression"]),
        "columns": st.dictionaries(NAMES, st.sampled_from(["number", "category", "date", "ignore", "x"]), max_size=2),
        "missing": st.lists(CELLS, max_size=2),
        "separator": st.sampled_from(",;x"),
        "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16", "ascii", "none"]),
    },
)


def opened(contents: bytes, name: str, options: dict[str, Any]) -> Opened | None:
    """Return the data; None where it was refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(contents)
        try:
            return open_data(path, DataOptions.of(options), validation=0.2, test=0.2, seed=0)
        except ConfigurationError as error:
            problems = error.problems
    assert problems
    assert all(problem and "\n" not in problem for problem in problems)
    return None


def check(data: Opened) -> None:
    """Check that the data can be trained on, and that all that is kept of it can be kept."""
    features, targets = data.dataset.load()
    assert features.dtype.name in {"float32", "float64"}
    assert not np.isinf(features).any()
    assert np.isfinite(targets).all()
    assert len(features) == len(targets)
    json.dumps(data.record.describe(), allow_nan=False)
    if (schema := data.dataset.schema) is not None:
        assert Schema.from_description(json.loads(json.dumps(schema.describe()))) == schema
    names = {"cleaning": "mean", "transformation": "none", "scaling": "none"}
    steps = [PARTS[kind][name]() for kind, name in names.items()]
    encoding = PARTS["encoding"]["one_hot"]()
    pipeline = Pipeline(steps, features, categories=data.dataset.categories, encoding=encoding)
    assert np.isfinite(pipeline(features)).all()


@tried(200)
@given(tables(), OPTIONS)
@example("label,x\n" + "a,1\nb,2\n" * 15, {})
@example("label,x\n" + "a,0001-01-01\nb,9999-12-31\n" * 15, {})
@example("label,x\na,=1\nb,2\n", {"columns": {"x": "date"}})
def test_any_table_is_refused_in_words_or_can_be_trained_on(text: str, options: dict[str, Any]) -> None:
    contents = text.encode("utf-8", errors="surrogatepass")
    if (data := opened(contents, "t.csv", {"target": "label", **options})) is not None:
        check(data)


@tried(60)
@given(st.binary(max_size=200), st.sampled_from(["t.csv", "t.csv.gz", "t.parquet", "t.npz", "t.tsv"]))
@example(gzip.compress(b"label,x\n" + b"a,1\nb,2\n" * 15), "t.csv.gz")
def test_any_bytes_are_refused_in_words_or_can_be_trained_on(contents: bytes, name: str) -> None:
    if (data := opened(contents, name, {"target": "label"})) is not None:
        check(data)


PARQUET: Mapping[str, Callable[[int], Any]] = {
    "numbers": lambda rows: np.arange(rows) * 1.5,
    "whole": lambda rows: pd.array(np.arange(rows) % 3, dtype="Int64"),
    "words": lambda rows: np.array(["a", "b", None], dtype=object)[np.arange(rows) % 3],
    "truth": lambda rows: np.arange(rows) % 2 == 0,
    "moments": lambda rows: pd.date_range("2024-01-01", periods=rows, freq="7h"),
    "zoned": lambda rows: pd.date_range("2024-01-01", periods=rows, freq="D", tz="Europe/Berlin"),
    "lists": lambda rows: [[1, 2]] * rows,
    "bytes": lambda rows: [b"\x00\xff"] * rows,
    "gone": lambda rows: [None] * rows,
    "levels": lambda rows: pd.Categorical(np.array(["x", "y"])[np.arange(rows) % 2]),
    "durations": lambda rows: pd.to_timedelta(np.arange(rows), unit="h"),
    "infinite": lambda rows: np.full(rows, np.inf),
}
"""Columns of every type that a Parquet file can have."""


@tried(60)
@given(
    st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(sorted(PARQUET)), min_size=1),
    st.sampled_from(["truth", "levels", "whole", "numbers", *sorted(PARQUET)]),
    st.integers(0, 2) | st.integers(6, 40),
    st.integers(0, 300),
)
def test_any_parquet_file_is_refused_in_words_or_can_be_trained_on(
    kinds: dict[str, str], label: str, rows: int, cut: int
) -> None:
    stream = io.BytesIO()
    columns = {name: PARQUET[kind](rows) for name, kind in {**kinds, "label": label}.items()}
    pd.DataFrame(columns).to_parquet(stream)
    contents = stream.getvalue()[: -cut if cut > 280 else None]
    if (data := opened(contents, "t.parquet", {"target": "label"})) is not None:
        check(data)
