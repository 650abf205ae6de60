"""Tuning on a file of one's own from the command line, as a new user would."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner
from tuner import ConfigurationError

Cli = Callable[..., tuple[int, str, str]]
QUICK = ("--executor", "inline", "--set", "budget.epochs=2", "--set", "confirm.run=false")


def shop(seed: int = 0) -> str:
    """Return a table with numbers, categories, dates, codes and gaps, in which buyers can be told."""
    rng = random.Random(seed)
    lines = []
    for number in range(80):
        age, city, day = rng.randint(18, 80), rng.choice(["Rome", "Oslo", "NA"]), rng.randint(1, 28)
        bought = age > 50 and city != "Oslo"
        known = "" if number % 9 == 0 else age
        lines.append(f"c{number:03},{known},{city},0{rng.randint(10, 14)},2024-0{1 + day % 9}-{day:02},{bought}")
    return "customer,age,city,zip,joined,bought\n" + "\n".join(lines) + "\n"


@pytest.fixture
def file(workplace: Path) -> Path:
    (workplace / "shop.csv").write_text(shop())
    return workplace / "shop.csv"


def test_a_file_and_its_target_are_all_that_a_study_needs(cli: Cli, file: Path) -> None:
    code, answer, told = cli("run", "--data", "shop.csv", "--target", "bought", "--trials", "4", *QUICK)
    assert code == 0
    types = [line.split()[:2] for line in told.splitlines() if "  " in line][1:7]
    assert types == [
        ["customer", "ignore"],
        ["age", "number"],
        ["city", "category"],
        ["zip", "category"],
        ["joined", "date"],
        ["bought", "target"],
    ]
    assert "searched: mixed_table_classifier; by: " in told
    assert "note: column 'customer' is left out: another text in almost every row" in told
    assert "next: tuner best shop" in answer
    best = json.loads(cli("best", "shop", "--json")[1])
    assert "encoding" in best["trials"][0]["config"]
    assert cli("resume", "shop", "--trials", "5", "--executor", "inline")[0] == 0


def test_a_file_is_checked_before_anything_expensive_starts(cli: Cli, file: Path) -> None:
    code, answer, _ = cli("check", "--data", "shop.csv", "--target", "bought")
    assert code == 0
    assert re.search(r"age +number +18 to \d\d, 9 gaps", answer)
    assert answer.rstrip().endswith("next: tuner run --data shop.csv --target bought")
    described = json.loads(cli("check", "--data", "shop.csv", "--target", "bought", "--json")[1])
    assert described["data"]["path"] == str(file)
    assert described["data"]["fingerprint"].startswith("sha256:")


def test_what_a_study_file_says_can_be_said_beside_the_data(cli: Cli, file: Path) -> None:
    words = ("--set", "settings.task=regression", "--set", "settings.columns.city=ignore", "--name", "ages")
    code, _, told = cli("run", "--data", "shop.csv", "--target", "age", "--trials", "1", *QUICK, *words)
    assert code == 0
    assert "searched: mixed_table_regressor; by: rmse, to minimize" in told
    assert "study ages" in told


STUDY = """
objective = "supervised"
search_space = "mixed_table_classifier"
metric = "accuracy"
[settings]
dataset = "data/shop.csv"
target = "bought"
[settings.columns]
city = "ignore"
[budget]
trials = 2
epochs = 1
[confirm]
run = false
"""


def test_a_path_in_a_study_file_is_looked_for_beside_it_and_then_in_the_working_directory(
    cli: Cli, file: Path, workplace: Path
) -> None:
    (workplace / "studies").mkdir()
    (workplace / "studies" / "shop.toml").write_text(STUDY)
    (workplace / "data").mkdir()
    code, _, told = cli("check", "studies/shop.toml")
    assert code == 2
    assert "there is no data/shop.csv in the working directory, or beside the study file if there is one" in told
    file.rename(workplace / "data" / "shop.csv")
    assert f"data: {workplace}/data/shop.csv" in cli("check", "studies/shop.toml")[1]
    (workplace / "studies" / "data").mkdir()
    (workplace / "studies" / "data" / "shop.csv").write_text(shop(seed=1))
    assert f"data: {workplace}/studies/data/shop.csv" in cli("check", "studies/shop.toml")[1]


def test_a_study_does_not_go_on_with_other_data(cli: Cli, file: Path) -> None:
    assert cli("run", "--data", "shop.csv", "--target", "bought", "--trials", "1", *QUICK)[0] == 0
    file.write_text(shop(seed=1))
    code, _, told = cli("resume", "shop", "--trials", "2")
    assert code == 5
    assert f"~ data: the contents of {file} have changed" in told


def test_a_study_does_not_go_on_with_data_that_cannot_even_be_read_any_more(cli: Cli, file: Path) -> None:
    assert cli("run", "--data", "shop.csv", "--target", "bought", "--trials", "1", *QUICK)[0] == 0
    file.write_text("customer,age\n1,2\n")
    assert cli("resume", "shop", "--trials", "2")[0] == 5


def test_a_study_goes_on_with_data_that_was_moved(cli: Cli, file: Path, workplace: Path) -> None:
    assert cli("run", "--data", "shop.csv", "--target", "bought", "--trials", "1", *QUICK)[0] == 0
    file.rename(workplace / "moved.csv")
    code, _, told = cli("resume", "shop", "--trials", "2")
    assert code == 2
    assert f"the data of study 'shop' is not at {file} any more" in told
    assert "tuner resume shop --data PATH" in told
    assert cli("resume", "shop", "--trials", "2", "--data", "moved.csv")[0] == 0
    assert cli("resume", "shop", "--trials", "3")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which study?"),
        (("digits", "--data", "shop.csv"), "--data and --target ask for a study without a study file"),
        (("--target", "bought"), "which study?"),
        (("--data", "shop.csv"), "--target: missing; which column is to be predicted? (columns: customer, age, city"),
        (("--data", "shop.cvs", "--target", "x"), "unknown dataset 'shop.cvs'"),
        (("--data", "none.csv", "--target", "x"), "there is no none.csv"),
    ],
)
def test_what_cannot_be_run_is_said(cli: Cli, file: Path, words: tuple[str, ...], told: str) -> None:
    code, _, stderr = cli("run", *words)
    assert code == 2
    assert told in stderr


def test_data_is_tuned_on_in_python_too(file: Path) -> None:
    study = tuner.run(
        data="shop.csv", target="bought", trials=2, epochs=1, executor="inline", settings={"columns": {"zip": "ignore"}}
    )
    assert study.name == "shop"
    assert study.best_trial.config["encoding"]
    with pytest.raises(ConfigurationError, match="either a study, or data"):
        tuner.run("digits", data="shop.csv")
