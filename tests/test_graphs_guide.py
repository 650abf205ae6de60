"""What the guide to graphs shows works, letter by letter."""

import csv
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tuner

GUIDE = (Path(__file__).parent.parent / "docs" / "guides" / "graphs.md").read_text()
Cli = Callable[..., tuple[int, str, str]]

QUICK = ("--trials", "2", "--set", "budget.epochs=3", "--executor", "inline", "--no-confirm")


def block(language: str) -> str:
    found = re.search(rf"^```{language}[^\n]*\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_commands_of_the_guide_make_a_model_that_answers_for_every_node(workplace: Path, cli: Cli) -> None:
    subprocess.run([sys.executable, "-c", block("python")], cwd=workplace, check=True)
    (workplace / "people.toml").write_text(block("toml"))
    for line in block("console").splitlines():
        words = shlex.split(line.removeprefix("$ tuner "))
        code, _, messages = cli(*words, *(QUICK if words[0] == "run" else ()))
        assert code == 0, messages
    with (workplace / "answers.csv").open() as file:
        answers = [*csv.DictReader(file)]
    assert [row["id"] for row in answers] == [f"p{person}" for person in range(120)]
    assert {row["prediction"] for row in answers} <= {"chess", "rowing"}
    assert len(tuner.load_model("model").predict("people")) == 120
