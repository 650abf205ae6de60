"""Nasty tables through the command line: what is checked, what is learnt, and what a model makes of new rows."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nasty_files import BAD, FILES, WRITINGS, table, values

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec
from tuner.domain.model import SavedModel
from tuner.objectives.supervised import Supervised

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", ["'12.3 (est)' in plain", "'2023-13-45' among dates", "a line that is too long"])
def test_a_file_that_is_refused_is_refused_in_a_line_with_what_to_do(cli: Cli, workplace: Path, name: str) -> None:
    (workplace / "t.csv").write_bytes(FILES[name].contents)
    code, _, said = cli("check", "--data", "t.csv", "--target", "label")
    assert code == 2
    assert (FILES[name].told or f"line {BAD + 2}") in said
    assert "Traceback" not in said


def test_what_was_assumed_is_said_by_check(cli: Cli, workplace: Path) -> None:
    cells = [f"{abs(round(value)):,}".replace(",", ".") for value in values()]
    (workplace / "t.csv").write_text(table(cells, ";"))
    code, answer, said = cli("check", "--data", "t.csv", "--target", "label")
    assert code == 0
    assert "is read as" in answer + said
    assert 'decimal = "."' in " ".join((answer + said).split())
    code, answer, said = cli("check", "--data", "t.csv", "--target", "label", "--set", "settings.decimal=.")
    assert code == 0
    assert "is read as" not in answer + said


def _study(dataset: str, target: str, **options: object) -> tuner.Study:
    study: tuner.Study = tuner.run(
        StudySpec(
            name="nasty",
            objective="supervised",
            search_space=SearchSpace(scaling=Choice("standard"), batch_size=Choice(16)),
            metric="rmse",
            direction="minimize",
            settings={"dataset": dataset, "target": target, **options},
            budget=Budget(trials=1, epochs=30),
            executor="inline",
        )
    )
    return study


def test_a_cell_in_another_notation_is_named_with_its_file_and_line_when_it_is_predicted(
    cli: Cli, workplace: Path
) -> None:
    cells = [WRITINGS["points group"](value) for value in values()]
    (workplace / "t.csv").write_text(table(cells, ";"))
    _study("t.csv", "other", task="regression", columns={"label": "ignore"}).export("model")
    (workplace / "new.csv").write_text(table(["1.234,50", "7.5"], ";"))
    code, answer, said = cli("predict", "model", "new.csv")
    assert (code, answer) == (2, "")
    assert "new.csv: line 3, column 'x': '7.5' is not a number written like 1.234,5" in " ".join(said.split())
    (workplace / "new.csv").write_text(table(["1.234,50", "7,5"], ";"))
    code, answer, _ = cli("predict", "model", "new.csv")
    assert code == 0
    typed = pd.DataFrame({"x": [1234.5, 7.5], "label": ["no", "no"]})
    answered = [float(row["prediction"]) for row in csv.DictReader(answer.splitlines())]
    assert answered == tuner.load_model("model").predict(typed).tolist()


def test_moments_in_milliseconds_are_learnt_and_so_are_targets_of_their_size(cli: Cli, workplace: Path) -> None:
    moments = 1_700_000_000_000 + 1000 * np.random.default_rng(0).permutation(600)
    frame = pd.DataFrame({"moment": moments, "later": moments + 86_400_000})
    frame.to_csv("t.csv", index=False)
    study = _study("t.csv", "later", task="regression")
    assert study.best_trial.metrics["r2"] > 0.9
    study.export("model")
    model = tuner.load_model("model")
    assert len(np.unique(model.predict(frame))) > 500
    assert model.predict(frame).tobytes() == study.best_model().predict(frame).tobytes()


def test_a_model_that_was_exported_before_reads_32_bits_as_it_was_trained_on(workplace: Path) -> None:
    moments = 1_700_000_000_000 + 1000 * np.random.default_rng(0).permutation(600)
    frame = pd.DataFrame({"moment": moments, "later": moments + 86_400_000})
    frame.to_csv("t.csv", index=False)
    model = _study("t.csv", "later", task="regression").best_model()
    saved = model.save()
    before = {key: value for key, value in saved.description["inputs"].items() if key != "dtype"}
    old = _restored(saved, {**saved.description, "inputs": before})
    np.testing.assert_array_equal(old.predict(frame), model.predict(frame.astype(np.float32).astype(np.float64)))


def _restored(saved: SavedModel, description: dict[str, object]) -> tuner.Model:
    return Supervised.restore(replace(saved, description=description))
