"""What the README tells newcomers to write and type works, letter by letter."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import TEMPLATE

from tuner.spec.template import template

README = (Path(__file__).parent.parent / "README.md").read_text()
Cli = Callable[..., tuple[int, str, str]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def newcomer(workplace: Path) -> Path:
    """A folder with the README's own model in it, and nothing else."""
    (workplace / "mymodel.py").write_text(blocks("python")[0])
    (workplace / "mymodel.toml").write_text(blocks("toml")[0])
    return workplace


def test_the_readmes_own_model_is_checked_tuned_and_queried(newcomer: Path) -> None:
    for words in (
        ["check", "mymodel.toml"],
        ["run", "mymodel.toml", "--trials", "6", "--executor", "inline"],
        ["best", "mymodel", "--top", "5"],
    ):
        ran = TEMPLATE.run(*words, cwd=newcomer)
        assert ran.returncode == 0, ran.stderr
    assert "accuracy" in ran.stdout


def test_the_keys_that_the_readme_lists_are_those_of_the_schema() -> None:
    assert blocks("toml")[1] == template(), "copy what `tuner init` writes into the README"


@pytest.mark.parametrize("line", [line for block in blocks("console") for line in block.splitlines()])
def test_every_command_of_the_readme_exists(line: str, cli: Cli) -> None:
    words = line.removeprefix("$ ").partition("#")[0].split()
    if words[0] == "make":
        makefile = (Path(__file__).parent.parent / "Makefile").read_text()
        assert f"\n{words[1]}: " in makefile
    elif words[0] == "tuner":
        code, out, _ = cli(words[1], "--help")
        assert code == 0
        for option in (word for word in words if word.startswith("--")):
            assert option in out
    else:
        assert words[0] in {"optuna", "optuna-dashboard"}
