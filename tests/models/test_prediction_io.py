"""Answers in a file: theirs who asked, and data to whatever opens it."""

from pathlib import Path

import pandas as pd

from tuner.models.prediction_io import write_answers


def test_no_cell_and_no_name_of_a_column_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    told = ["=cmd|'/C calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-2.5", "+7", "plain"]
    frame = pd.DataFrame({"=name": told, "number": [-1.5] * len(told)})
    write_answers(frame, tmp_path / "answers.csv")
    read = pd.read_csv(tmp_path / "answers.csv", dtype=str)
    assert [*read.columns] == ["'=name", "number"]
    assert [*read["'=name"]] == [*(f"'{text}" for text in told[:5]), "-2.5", "+7", "plain"]
    assert [*read["number"]] == ["-1.5"] * len(told)
    assert (tmp_path / "answers.csv").stat().st_mode & 0o777 == 0o600
