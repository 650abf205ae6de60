"""What the guide to graphs shows works, letter by letter."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from guides import DOCS, blocks, run_commands

import tuner

GUIDE = DOCS / "guides" / "graphs.md"
Cli = Callable[..., tuple[int, str, str]]

QUICK = ("--trials", "2", "--set", "budget.epochs=3", "--executor", "inline", "--no-confirm")


def test_the_commands_of_the_guide_make_a_model_that_answers_for_every_node(workplace: Path, cli: Cli) -> None:
    subprocess.run([sys.executable, "-c", blocks(GUIDE, "python")[0]], cwd=workplace, check=True)
    (workplace / "people.toml").write_text(blocks(GUIDE, "toml")[0])
    run_commands(blocks(GUIDE, "console")[0], cli, QUICK)
    with (workplace / "answers.csv").open() as file:
        answers = [*csv.DictReader(file)]
    assert [row["id"] for row in answers] == [f"p{person}" for person in range(120)]
    assert {row["prediction"] for row in answers} <= {"chess", "rowing"}
    assert len(tuner.load_model("model").predict("people")) == 120
