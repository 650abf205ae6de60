"""Where an answer comes from, and how to come by it again."""

import tomllib
from collections.abc import Mapping
from typing import Any

from made_studies import SPACE, SPEC, material, study

from tuner.domain.data_summary import DataColumn, DataRecord
from tuner.study_report.data import ReportData
from tuner.study_report.document import Listing, Table, Tables, Text
from tuner.study_report.sections import reproducibility


def listings(made: ReportData) -> Mapping[str, str]:
    return {block.title: block.text for block in reproducibility.section(made).blocks if isinstance(block, Listing)}


def cells(made: ReportData) -> dict[str, str]:
    (tables,) = [block for block in reproducibility.section(made).blocks if isinstance(block, Tables)]
    return {row[0]: row[1] for table in tables.tables for row in table.rows}


def words(made: ReportData) -> str:
    return " ".join(block.words for block in reproducibility.section(made).blocks if isinstance(block, Text))


def started(**overrides: Any) -> dict[str, Any]:
    return {"study": "wine", "overrides": overrides, "folder": "/"}


def test_the_command_that_started_it_can_be_typed_again() -> None:
    source = started(**{"budget.trials": 8, "name": "made-up", "settings.note": "two words"})
    command = listings(material(study(source=source)))[""]
    assert command == "tuner run wine --name made-up-again --set budget.trials=8 --set 'settings.note=two words'"


def test_the_study_file_says_what_was_asked() -> None:
    text = listings(material())["The study file that says the same"]
    content = tomllib.loads(text)
    assert (content["objective"], content["settings"]["dataset"]) == ("supervised", "wine")


def test_a_study_made_in_python_has_no_file_and_shows_what_it_was_asked() -> None:
    made = material(study(spec={**SPEC, "search_space": ""}, source={"study": "", "overrides": {}, "folder": "/"}))
    space = f"The search space, {len(SPACE)} parameters, fingerprint {SPACE.fingerprint}"
    assert list(listings(made)) == ["What it was asked to do", space]
    assert "made in Python" in words(made)


def test_secrets_are_nowhere() -> None:
    spec = {**SPEC, "settings": {"dataset": "wine", "api_token": "s3cret", "url": "s3://me:s3cret@host"}}
    source = started(**{"settings.api_token": "s3cret", "settings.url": "s3://me:s3cret@host"})
    assert "s3cret" not in str(reproducibility.section(material(study(spec=spec, source=source))))


def test_it_says_whether_the_study_ran_on_what_is_shown() -> None:
    for own, header in ((True, "ran on"), (False, "this report was written on")):
        (tables,) = [
            block
            for block in reproducibility.section(material(is_own_environment=own)).blocks
            if isinstance(block, Tables)
        ]
        assert tables.tables[1].headers[0] == header
    assert cells(material())["python"] == "3.11.0"


def test_own_data_is_told_with_its_fingerprint_and_columns() -> None:
    columns = tuple(DataColumn(name=f"c{number}", type="number", about="no gaps") for number in range(50))
    data = DataRecord(path="/data/mine.csv", fingerprint="abc123", size=1234, summary="50 columns", columns=columns)
    made = material(study(notes={"data": data.describe()}))
    assert "/data/mine.csv, 1,234 bytes, fingerprint abc123. 50 columns" in words(made)
    (table,) = [block for block in reproducibility.section(made).blocks if isinstance(block, Table)]
    assert len(table.rows) == 40
    assert table.caption == "the first 40 of 50 columns"


def test_a_study_of_plain_optuna_says_that_nothing_is_known_of_its_start() -> None:
    made = material(study(spec={}, source={}, space=None))
    assert "not made by tuner" in words(made)
    assert listings(made) == {}
