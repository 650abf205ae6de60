"""What the guide to fine-tuning shows works, letter by letter."""

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner

pytest.importorskip("transformers")

GUIDE = (Path(__file__).parent.parent / "docs" / "guides" / "finetuning.md").read_text()
Cli = Callable[..., tuple[int, str, str]]

QUICK = ("--trials", "4", "--set", "budget.epochs=3", "--executor", "inline", "--no-confirm")


def block(language: str, title: str = "") -> str:
    found = re.search(rf"^```{language}[^\n]*{title}[^\n]*\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_commands_of_the_guide_make_a_classifier_of_texts(workplace: Path, cli: Cli) -> None:
    subprocess.run([sys.executable, "-c", block("python")], cwd=workplace, check=True)
    (workplace / "reviews.toml").write_text(block("toml"))
    for line in block("console").splitlines():
        words = shlex.split(line.removeprefix("$ tuner "))
        code, _, messages = cli(*words, *(QUICK if words[0] == "run" else ()))
        assert code == 0, messages
    with (workplace / "answers.csv").open() as file:
        answers = [*csv.DictReader(file)]
    assert len(answers) == 120
    assert sum(row["mood"] == row["prediction"] for row in answers) > 90
    model = tuner.load_model("adapter")
    assert model.predict(["a lovely film, seen 3 times", "a dull film, seen 3 times"]).tolist() == ["good", "bad"]
    assert json.loads((workplace / "adapter" / "adapter_config.json").read_text())["task_type"] == "SEQ_CLS"


def test_the_study_of_texts_in_the_guide_is_whole(workplace: Path, cli: Cli) -> None:
    (workplace / "notes").mkdir()
    for number in range(12):
        (workplace / "notes" / f"{number}.txt").write_text(f"note {number}: " + f"{number * 7919} words. " * 60)
    (workplace / "notes.toml").write_text(block("toml", "notes"))
    code, out, messages = cli("check", "notes.toml", "--set", "settings.steps=3")
    assert code == 0, messages
    assert "bits_per_byte" in out
