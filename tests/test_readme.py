"""What the README tells newcomers to write and type works, letter by letter."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import TEMPLATE
from guides import blocks

from tuner.spec.template import template

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
STUDY_FILES = ROOT / "docs" / "study-files.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
Cli = Callable[..., tuple[int, str, str]]


def commands(page: Path) -> list[list[str]]:
    """Return the commands of a page, without their comments."""
    lines = (line for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ "))
    return [shlex.split(line.removeprefix("$ ").partition(" #")[0]) for line in lines]


@pytest.fixture
def newcomer(workplace: Path) -> Path:
    """A folder with what the README has its readers write, a table to tune on, and the shipped study, begun."""
    (workplace / "mymodel.py").write_text(blocks(README, "python")[0])
    (workplace / "mymodel.toml").write_text(blocks(README, "toml")[0])
    rows = [f"{age},{age * 7 % 50},{age % 2}" for age in range(60)]
    (workplace / "customers.csv").write_text("\n".join(["age,visits,buys", *rows]))
    (workplace / "new.csv").write_text("age,visits\n30,2\n41,7")
    ran = TEMPLATE.run("run", "digits", *SMALL, cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    return workplace


SMALL = ("--trials", "2", "--set", "budget.epochs=1", "--executor", "inline", "--no-confirm")


def small(words: list[str]) -> list[str]:
    """Return a command with a budget and an executor for tests."""
    if words[0] == "run":
        return [*words, *SMALL]
    if words[0] == "resume":
        fewer = ["3" if word.isdecimal() else word for word in words]
        return [*fewer, "--executor", "inline", "--no-confirm"]
    return words


def test_every_command_of_the_readme_runs_one_after_the_other(newcomer: Path) -> None:
    written = [words[1:] for words in commands(README) if words[0] == "tuner"]
    assert len(written) > 10
    for words in written:
        ran = TEMPLATE.run(*small(words), cwd=newcomer)
        assert ran.returncode == 0, (words, ran.stderr)
    assert (newcomer / "answers.csv").read_text().count("\n") == 3


def test_the_tutorials_model_is_checked_and_tuned(workplace: Path) -> None:
    (workplace / "mymodel.py").write_text(blocks(TUTORIAL, "python")[0])
    (workplace / "mymodel.toml").write_text(blocks(TUTORIAL, "toml")[0])
    for words in (["check", "mymodel.toml"], ["run", "mymodel.toml", "--trials", "6", "--executor", "inline"]):
        ran = TEMPLATE.run(*words, cwd=workplace)
        assert ran.returncode == 0, ran.stderr
    assert "accuracy" in ran.stderr + ran.stdout


def test_the_keys_that_are_listed_are_those_of_the_schema() -> None:
    assert blocks(STUDY_FILES, "toml")[-1] == template(), "copy what `tuner init` writes into docs/study-files.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path, cli: Cli) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for words in commands(page):
        if words[0] == "make":
            assert f"\n{words[1]}: " in makefile
        elif words[0] == "tuner" and not words[1].startswith("-"):
            code, out, _ = cli(words[1], "--help")
            assert code == 0, words
            assert [word for word in words if word.startswith("--") and word not in out] == []
        elif words[0] != "tuner":
            assert words[0] in {"optuna", "optuna-dashboard", "pip", "python", "git", "ray", "sqlite3", "ssh"}, words
