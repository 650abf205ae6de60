import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.schema import Schema
from tuner.objectives.user_data.table import TableDataset

CSV = """age,city,zip,joined,price,bought
31,Rome,01234,2024-01-31,"1,250.5",yes
,Berlin,00077,2024-02-29,12,no
47,,01234,,7.25,yes
52,NA,00077,2023-12-01,90,no
"""


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    file = tmp_path / "shop.csv"
    file.write_text(CSV)
    found = TableDataset(file, DataOptions(target="bought")).schema
    assert isinstance(found, Schema)
    return found


def test_a_schema_is_the_same_after_it_was_written_as_json(schema: Schema) -> None:
    assert Schema.from_description(json.loads(json.dumps(schema.describe()))) == schema


def test_raw_rows_become_numbers_whatever_the_order_of_the_columns(schema: Schema) -> None:
    rows = pd.DataFrame(
        {"zip": ["00077"], "more": [1], "city": ["Rome"], "price": ["2,000"], "joined": [""], "age": ["NA"]}
    )
    assert schema.names[:4] == ("age", "city", "zip", "joined")
    assert schema.categories == (1, 2)
    features = schema.features(rows)
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features[0, [0, 1, 2, 3, -1]], [np.nan, 2, 0, np.nan, 2000])


def test_rows_with_types_of_their_own_mean_the_same_as_text(schema: Schema) -> None:
    typed = pd.DataFrame(
        {
            "age": [31.0, np.nan],
            "city": pd.Series(["Rome", None], dtype="category"),
            "zip": ["01234", "00077"],
            "joined": pd.to_datetime(["2024-01-31", None]),
            "price": [1250.5, 12],
        }
    )
    text = typed.assign(age=["31", ""], city=["Rome", ""], joined=["2024-01-31", ""], price=["1,250.5", "12"])
    np.testing.assert_array_equal(schema.features(typed), schema.features(text))


def test_a_level_that_the_data_never_had_is_another_thing_than_a_gap(schema: Schema) -> None:
    rows = pd.DataFrame({"age": [1, 2], "city": ["Oslo", ""], "zip": "00077", "joined": "", "price": 1})
    np.testing.assert_array_equal(schema.features(rows)[:, 1], [-1, np.nan])
    assert schema.unseen(rows) == {"city": ("Oslo",)}


def test_rows_without_a_column_are_refused_with_the_nearest_name(schema: Schema) -> None:
    rows = pd.DataFrame({"agee": [1], "city": ["Rome"], "zip": "00077", "joined": "", "price": 1})
    with pytest.raises(ConfigurationError) as raised:
        schema.features(rows)
    assert raised.value.problems == ("column 'age' is missing; is it 'agee'?",)


@pytest.mark.parametrize("other", ["price", "page_of_the_book", "zipage"])
def test_no_name_is_suggested_that_is_another_columns_or_little_alike(other: str, schema: Schema) -> None:
    rows = pd.DataFrame({other: [1], "city": ["Rome"], "zip": "00077", "joined": ""})
    with pytest.raises(ConfigurationError) as raised:
        schema.features(rows)
    assert "column 'age' is missing" in raised.value.problems


def test_rows_with_two_columns_of_one_name_are_refused(schema: Schema) -> None:
    rows = pd.DataFrame([[1, 2, "Rome", "00077", "", 1]], columns=["age", "age", "city", "zip", "joined", "price"])
    with pytest.raises(ConfigurationError, match="column 'age' is there twice"):
        schema.features(rows)


def test_a_value_that_cannot_be_read_is_named_with_its_row(schema: Schema) -> None:
    rows = pd.DataFrame({"age": ["1", "old"], "city": "Rome", "zip": "00077", "joined": "", "price": 1})
    with pytest.raises(ConfigurationError, match="row 2, column 'age': 'old' is not a number"):
        schema.features(rows)


def test_answers_become_classes_and_keep_their_labels(schema: Schema) -> None:
    assert schema.task is Task.CLASSIFICATION
    assert schema.labels == ("no", "yes")
    assert schema.targets(pd.Series(["yes", "no"])).tolist() == [1, 0]
