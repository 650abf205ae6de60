"""Models of a table from a file: raw rows in, whatever is in them, and the answers of the study out."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec
from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import split

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def customers(workplace: Path) -> pd.DataFrame:
    """Rows with an id, numbers, a category, dates and gaps, in customers.csv, and an answer that follows from them."""
    rng = np.random.default_rng(0)
    income, city = rng.normal(30, 8, 120).round(3), rng.choice(["Rome", "Oslo", "Lima"], 120)
    frame = pd.DataFrame(
        {
            "customer": [f"{number:05d}x" for number in range(120)],
            "age": [str(age) if number % 9 else "" for number, age in enumerate(rng.integers(18, 80, 120))],
            "city": [word if number % 7 else "" for number, word in enumerate(city)],
            "income": [str(each) for each in income],
            "since": [f"2024-{month:02d}-01" for month in rng.integers(1, 13, 120)],
            "buys": np.where(income + 8 * (city == "Oslo") > 32, "yes", "no"),
        }
    )
    frame.to_csv("customers.csv", index=False)
    return frame


def _study(encoding: str = "embedding", target: str = "buys", metric: str = "loss") -> tuner.Study:
    study: tuner.Study = tuner.run(
        StudySpec(
            name="customers",
            objective="supervised",
            search_space=SearchSpace(encoding=Choice(encoding)),
            metric=metric,
            direction="minimize",
            settings={"dataset": "customers.csv", "target": target},
            budget=Budget(trials=1, epochs=2),
            executor="inline",
        )
    )
    return study


def test_the_rows_of_a_file_are_answered_as_the_study_does_to_the_last_bit_when_its_data_is_gone(
    customers: pd.DataFrame, cli: Cli
) -> None:
    study = _study()
    study.export("model")
    targets = (customers["buys"] == "yes").to_numpy(dtype=np.int64)
    rows = customers.iloc[split(targets, task=Task.CLASSIFICATION, validation=0.2, test=0.2, seed=0).validation]
    model = study.best_model()
    accuracy = float(np.mean(model.predict(rows) == rows["buys"]))
    assert accuracy == pytest.approx(study.best_trial.metrics["accuracy"])
    rows = rows.copy()
    rows.iloc[0, 2], rows.iloc[1, 1] = "Atlantis", ""
    rows.to_csv("new.csv", index=False)
    Path("customers.csv").unlink()
    code, _, said = cli("predict", "model", "new.csv", "-o", "answers.csv")
    assert code == 0
    assert "note: column 'city' has what no training row had: 'Atlantis'" in said
    with Path("answers.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    passed_on = [(row["customer"], row["buys"]) for row in answers]
    assert passed_on == list(zip(rows["customer"], rows["buys"], strict=True))
    assert [row["prediction"] for row in answers] == model.predict(rows).tolist()
    written = np.array([[row["probability_no"], row["probability_yes"]] for row in answers], dtype=np.float32)
    assert written.tobytes() == model.predict_proba(rows).tobytes()


def test_a_value_is_predicted_in_the_unit_of_its_column(customers: pd.DataFrame) -> None:
    model = _study("one_hot", target="income", metric="mae").best_model()
    assert not model.is_classifier
    assert abs(float(model.predict(customers).mean()) - 30) < 5
    assert "buys" in (model.columns or ())


def test_an_export_does_not_tell_where_the_data_lay(customers: pd.DataFrame, workplace: Path) -> None:
    _study().export("model")
    for file in (workplace / "model").iterdir():
        assert str(workplace).encode() not in file.read_bytes()


def test_data_that_has_changed_since_makes_no_model(customers: pd.DataFrame, workplace: Path) -> None:
    study = _study()
    customers.iloc[1:].to_csv("customers.csv", index=False)
    with pytest.raises(ConfigurationError, match=r"the data of study 'customers' has changed since: .*customers\.csv"):
        study.best_model()


def test_four_commands_lead_from_a_file_to_answers(customers: pd.DataFrame, cli: Cli, workplace: Path) -> None:
    customers.drop(columns="buys").to_csv("new.csv", index=False)
    run = ["run", "--data", "customers.csv", "--target", "buys", "--trials", "1", "--executor", "inline"]
    for words in ([*run, "--set", "budget.epochs=1"], ["export", "customers", "model"]):
        code, _, said = cli(*words)
        assert code == 0, said
    code, answer, _ = cli("predict", "model", "new.csv", "--no-proba")
    assert code == 0
    answers = list(csv.reader(answer.splitlines()))
    assert answers[0] == ["customer", "prediction"]
    assert [row[0] for row in answers[1:]] == list(customers["customer"])
    assert {row[1] for row in answers[1:]} <= {"no", "yes"}


@pytest.mark.parametrize("numbers", ["periodic", "piecewise_linear"])
@pytest.mark.parametrize("encoding", ["one_hot", "embedding"])
def test_numbers_that_were_encoded_are_answered_alike_by_the_export(
    customers: pd.DataFrame, numbers: str, encoding: str
) -> None:
    study = tuner.run(
        StudySpec(
            name="customers",
            objective="supervised",
            search_space=SearchSpace(encoding=Choice(encoding), number_encoding=Choice(numbers)),
            metric="loss",
            direction="minimize",
            settings={"dataset": "customers.csv", "target": "buys"},
            budget=Budget(trials=1, epochs=2),
            executor="inline",
        )
    )
    study.export("model")
    model, loaded = study.best_model(), tuner.load_model("model")
    assert loaded.predict_proba(customers).tobytes() == model.predict_proba(customers).tobytes()
