"""`tuner init`: a study file to start from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tuner
from tuner.running.lookup import named_space
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


@pytest.mark.parametrize("program", ["nope.py", "programs/nope.py"])
def test_a_program_that_is_not_there_is_said_to_be_a_missing_file(program: str, workplace: Path, cli: Cli) -> None:
    code, _, told = cli("init", "study.toml", "--from", program)
    assert code == 2
    assert f"there is no file {program}" in told
    assert "stud" not in told


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


PROGRAM = """
import argparse, json
parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--hidden", type=int, default=16, help="units")
parser.add_argument("--nesterov", action="store_true", help="the other momentum")
parser.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True, help="half the digits")
parser.add_argument("--kind", choices=["a", "b"], default="b", help="which")
parser.add_argument("--epochs", type=int, default=3, help="passes")
parser.add_argument("--seed", type=int, default=0, help="for all")
arguments = parser.parse_args()
for epoch in range(arguments.epochs):
    print(json.dumps({"epoch": epoch, "loss": arguments.lr / (epoch + 1) + arguments.amp + arguments.nesterov}))
"""


def test_what_is_written_for_a_program_runs(workplace: Path, cli: Cli) -> None:
    (workplace / "train.py").write_text(PROGRAM)
    (workplace / "new").mkdir()
    code, answer, said = cli("init", "new/study.toml", "--from", "train.py")
    assert (code, answer) == (0, "wrote new/study.toml and new/study-space.toml; next: tuner check new/study.toml\n"), (
        said
    )
    assert "running python ../train.py --help" in said
    assert cli("run", "new/study.toml", "--executor", "inline", "--trials", "4")[0] == 0
    study = tuner.load_study("study")
    assert study.trials[0].config == {"lr": 0.1, "hidden": 16, "nesterov": False, "amp": True, "kind": "b"}
    assert study.trials[0].curve == pytest.approx({1: 1.1, 2: 1.05, 3: 0.1 / 3 + 1})


def test_a_second_study_of_a_folder_has_a_search_space_of_its_own(workplace: Path, cli: Cli) -> None:
    (workplace / "train.py").write_text(PROGRAM)
    (workplace / "second.py").write_text(PROGRAM.replace("--hidden", "--width"))
    assert cli("init", "study.toml", "--from", "train.py")[0] == 0
    first = (workplace / "study-space.toml").read_text()
    code, answer, said = cli("init", "other.toml", "--from", "second.py")
    assert (code, "other-space.toml" in answer) == (0, True), said
    assert (workplace / "study-space.toml").read_text() == first
    assert 'search_space = "other-space.toml"' in (workplace / "other.toml").read_text()
    code, _, said = cli("init", "other.toml", "--from", "second.py")
    assert (code, "other.toml is there already" in said) == (2, True)


def test_a_program_that_has_no_help_is_named_with_what_it_said(workplace: Path, cli: Cli) -> None:
    (workplace / "train.py").write_text("raise SystemExit('needs a GPU')")
    code, _, said = cli("init", "study.toml", "--from", "train.py")
    assert (code, "needs a GPU" in said) == (2, True)
    assert not (workplace / "study.toml").exists()


def test_a_search_space_is_written_as_toml(workplace: Path, cli: Cli) -> None:
    assert cli("init", "space.toml", "--space", "tabular_classifier")[0] == 0
    written, shipped = (named_space(name, workplace) for name in (str(workplace / "space.toml"), "tabular_classifier"))
    assert written == shipped
