"""`tuner init`: a study file to start from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tuner
from tuner.running.spec_source import DataFile, read_spec
from tuner.spec.study_file import read_study_file
from tuner.spec.template import template

Cli = Callable[..., tuple[int, str, str]]


def test_the_file_passes_the_check_that_it_names_as_the_next_command(workplace: Path, cli: Cli) -> None:
    code, answer, _ = cli("init", "mine.toml")
    assert (code, answer) == (0, "wrote mine.toml; next: tuner check mine.toml\n")
    assert (workplace / "mine.toml").read_text() == template()
    code, answer, _ = cli("check", "mine.toml", "--json", "--set", "settings.dataset=iris",
                          "--set", "search_space=tabular_classifier")  # fmt: skip
    assert code == 0
    assert json.loads(answer)["study"] == "mine"


def test_from_a_stored_study_it_says_what_that_was_asked_to_do(user_folder: Path, cli: Cli) -> None:
    study = tuner.run("mine.toml", name="stored", executor="inline", trials=2, settings={"depth": 3})
    assert cli("init", "next.toml", "--from", "stored")[0] == 0
    spec = read_study_file(user_folder / "next.toml", {})
    assert (spec.name, spec.budget.trials, spec.executor, spec.settings) == ("next", 2, "inline", {"depth": 3})
    assert tuner.run("next.toml").trials[0].curve == study.trials[0].curve


def test_a_stored_study_goes_before_a_shipped_one_of_the_same_name(user_folder: Path, cli: Cli) -> None:
    cli("init", "shipped.toml", "--from", "iris")
    assert read_study_file(user_folder / "shipped.toml", {}).metric == "log_loss"
    tuner.run("mine.toml", name="iris", executor="inline", trials=1)
    cli("init", "stored.toml", "--from", "iris")
    assert read_study_file(user_folder / "stored.toml", {}).metric == "accuracy"


def test_for_data_it_says_what_would_be_searched(workplace: Path, cli: Cli) -> None:
    rows = [f"{index},{index % 7},{'ab'[index % 2]}" for index in range(60)]
    (workplace / "table.csv").write_text("\n".join(["one,two,label", *rows]))
    assert cli("init", "mine.toml", "--data", "table.csv", "--target", "label")[0] == 0
    asked, _ = read_spec(DataFile(path="table.csv", target="label"), {})
    assert read_study_file(workplace / "mine.toml", {}) == replace(asked, name="mine")


def test_a_file_that_is_there_is_replaced_only_by_force(workplace: Path, cli: Cli) -> None:
    file = workplace / "mine.toml"
    file.write_text("precious")
    code, _, told = cli("init", "mine.toml")
    assert (code, file.read_text()) == (2, "precious")
    assert "mine.toml is there already" in told
    assert cli("init", "mine.toml", "--force")[0] == 0
    assert file.read_text() == template()
    assert [path.name for path in workplace.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mine"], "study files end in .toml: mine.toml"),
        (["-x.toml", "--from", "digits"], "No such option"),
        (["a b.toml"], "a study cannot be called 'a b'"),
        (["nowhere/mine.toml"], "nowhere/mine.toml cannot be written: "),
        (["mine.toml", "--from", "digit"], "did you mean 'digits'?"),
        (["mine.toml", "--target", "label"], "--target is a column of --data, which is missing"),
        (["mine.toml", "--from", "digits", "--data", "table.csv"], "give one of them"),
    ],
)
@pytest.mark.usefixtures("workplace")
def test_what_cannot_be_is_told_and_nothing_is_written(words: list[str], told: str, workplace: Path, cli: Cli) -> None:
    code, _, messages = cli("init", *words)
    assert code == 2
    assert told in messages
    assert list(workplace.iterdir()) == []
