"""What the guide to fine-tuning shows works, letter by letter."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from guides import DOCS, blocks, run_commands

import tuner

pytest.importorskip("transformers")

GUIDE = DOCS / "guides" / "finetuning.md"
Cli = Callable[..., tuple[int, str, str]]

QUICK = ("--trials", "4", "--set", "budget.epochs=3", "--executor", "inline", "--no-confirm")


def test_the_commands_of_the_guide_make_a_classifier_of_texts(workplace: Path, cli: Cli) -> None:
    subprocess.run([sys.executable, "-c", blocks(GUIDE, "python")[0]], cwd=workplace, check=True)
    (workplace / "reviews.toml").write_text(blocks(GUIDE, "toml")[0])
    run_commands(blocks(GUIDE, "console")[0], cli, QUICK)
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
    (workplace / "notes.toml").write_text(blocks(GUIDE, "toml", "notes")[0])
    code, out, messages = cli("check", "notes.toml", "--set", "settings.steps=3")
    assert code == 0, messages
    assert "bits_per_byte" in out
