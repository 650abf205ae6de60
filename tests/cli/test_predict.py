"""From a study to a folder, and from a file of rows to a file of answers."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tuner

Cli = Callable[..., tuple[int, str, str]]

HEADER = "id,petal width (cm),sepal length (cm),sepal width (cm),petal length (cm),note"
ROWS = f'{HEADER}\n007,0.2,5.1,3.5,1.4,NA\n008,2.3,6.7,,5.2,"a, b"\n'


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a study of irises is."""
    place = str(tmp_path_factory.mktemp("irises") / "studies.db")
    tuner.run("iris", storage=place, executor="inline", trials=2, epochs=3)
    return place


@pytest.fixture
def model(storage: str, workplace: Path, cli: Cli) -> tuner.Model:
    """The model of the study, exported to the folder `model`, and a file of new rows beside it."""
    code, answer, _ = cli("export", "iris", "model", "--storage", storage)
    assert code == 0
    assert "next: tuner predict model NEW.csv -o ANSWERS.csv" in answer
    (workplace / "new.csv").write_text(ROWS)
    best: tuner.Model = tuner.load_study("iris", storage).best_model()
    return best


def _parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_file_of_rows_is_answered_row_by_row_beside_what_the_model_does_not_read(
    model: tuner.Model, cli: Cli, workplace: Path
) -> None:
    code, answer, said = cli("predict", "model", "new.csv", "-o", "answers.csv")
    assert (code, answer) == (0, "")
    assert "2 answers are in answers.csv" in said
    answers = _parsed((workplace / "answers.csv").read_text())
    assert [(row["id"], row["note"]) for row in answers] == [("007", "NA"), ("008", "a, b")]
    inputs = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, np.nan, 5.2, 2.3]])
    assert [row["prediction"] for row in answers] == [str(label) for label in model.predict(inputs)]
    columns = [f"probability_{label}" for label in model.classes_]
    written = np.array([[row[column] for column in columns] for row in answers], dtype=np.float32)
    assert written.tobytes() == model.predict_proba(inputs).tobytes()


def test_without_a_place_for_them_answers_go_to_stdout(model: tuner.Model, cli: Cli) -> None:
    code, answer, _ = cli("predict", "model", "new.csv", "--no-proba")
    assert code == 0
    assert list(_parsed(answer)[0]) == ["id", "note", "prediction"]


def test_every_kind_of_file_is_answered_alike(model: tuner.Model, cli: Cli, workplace: Path) -> None:
    frame = pd.read_csv("new.csv")
    with gzip.open("new.csv.gz", "wt") as file:
        file.write(ROWS)
    frame.to_parquet("new.parquet")
    inputs = frame[list(model.columns or ())].to_numpy()
    np.savez("new.npz", rows=inputs)
    np.save("new.npy", inputs)
    expected = [row["prediction"] for row in _parsed(cli("predict", "model", "new.csv")[1])]
    for name in ("new.csv.gz", "new.parquet", "new.npz", "new.npy"):
        code, answer, said = cli("predict", "model", name)
        assert code == 0, said
        assert [row["prediction"] for row in _parsed(answer)] == expected
    for name in ("answers.parquet", "answers.csv.gz"):
        assert cli("predict", "model", "new.csv", "-o", name)[0] == 0
    assert pd.read_parquet("answers.parquet")["prediction"].astype(str).tolist() == expected
    assert pd.read_csv("answers.csv.gz")["prediction"].astype(str).tolist() == expected
    assert not [*workplace.glob(".*.partial")]


WRONG = {
    "no.csv": (None, "No such file"),
    "empty.csv": ("", "is empty"),
    "headed.csv": (f"{HEADER}\n", "has no rows"),
    "lacking.csv": ("id,sepal length (cm)\n1,2\n", "column 'sepal width (cm)' is missing"),
    "wordy.csv": (f"{HEADER}\n1,wide,1,1,1,x\n", "line 2, column 'petal width (cm)': 'wide' is not a number"),
    "taken.csv": (f"{HEADER},prediction\n1,1,1,1,1,x,2\n", "have a column 'prediction' already"),
    "torn.csv.gz": ("not gzipped", "is not a whole gzip file"),
    "torn.parquet": ("no parquet", "is not a whole Parquet file"),
    "torn.npz": ("no arrays", "cannot be read"),
    "rows.xlsx": ("", "ends like no file that can be read: .csv"),
}
"""What is in a file of a name, None where there is no file, and what is said of it."""


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_cannot_be_answered_are_told_why(model: tuner.Model, cli: Cli, workplace: Path, name: str) -> None:
    content, problem = WRONG[name]
    if content is not None:
        (workplace / name).write_text(content)
    code, answer, said = cli("predict", "model", name, "-o", "answers.csv")
    assert (code, answer) == (2, "")
    assert problem in said
    assert not (workplace / "answers.csv").exists()


def test_answers_never_take_the_place_of_the_rows(model: tuner.Model, cli: Cli, workplace: Path) -> None:
    code, _, said = cli("predict", "model", "new.csv", "-o", "./new.csv")
    assert code == 2
    assert "would take the place of the rows" in said
    assert (workplace / "new.csv").read_text() == ROWS


def test_arrays_of_python_objects_are_not_loaded(model: tuner.Model, cli: Cli) -> None:
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    code, _, said = cli("predict", "model", "objects.npy")
    assert code == 2
    assert "cannot be read" in said


def test_an_export_prints_json_and_does_not_replace_what_is_there(storage: str, model: tuner.Model, cli: Cli) -> None:
    code, _, said = cli("export", "iris", "model", "--storage", storage)
    assert code == 2
    assert "not empty" in said
    code, answer, _ = cli("export", "iris", "model", "--storage", storage, "--force", "--json")
    assert code == 0
    assert json.loads(answer) == {
        "study": "iris",
        "trial": tuner.load_study("iris", storage).best_trial.number,
        "epoch": tuner.load_study("iris", storage).best_trial.epoch,
        "confirmed": False,
        "folder": str(Path("model").absolute()),
    }


def test_the_card_says_what_a_stranger_has_to_know(model: tuner.Model, workplace: Path) -> None:
    card = (workplace / "model" / "README.md").read_text()
    for words in ("# iris", "tuner predict", "tuner.load_model", "| accuracy |", "validation | test", "Limits"):
        assert words in card
