"""The guide to language models, run: check, run, the ladder, and the target."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guides import DOCS, blocks

import tuner

PAGE = DOCS / "guides" / "language.md"
SMALL = {
    "settings.width": 32,
    "settings.head_size": 8,
    "settings.base_width": 8,
    "settings.depth": 1,
    "settings.context": 16,
    "settings.steps": 4,
    "settings.evaluation_tokens": 256,
    "transfer.proxies": [8, 16],
    "transfer.rates": 3,
    "transfer.seeds": 1,
    "budget.trials": 3,
    "budget.epochs": 2,
    "confirm.run": False,
    "executor": "inline",
}
"""What makes the study small enough for a test."""

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(workplace: Path) -> Path:
    (workplace / "lm.toml").write_text(blocks(PAGE, "toml")[0])
    (workplace / "corpus").mkdir()
    for page in sorted(DOCS.glob("*.md")):
        (workplace / "corpus" / f"{page.stem}.txt").write_text(page.read_text())
    return workplace


@pytest.mark.usefixtures("folder")
def test_the_guide_searches_small_says_what_to_expect_and_trains_large(cli: Cli) -> None:
    smaller = [word for key, value in SMALL.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    answers = []
    for line in blocks(PAGE, "console")[0].splitlines():
        words = shlex.split(line.removeprefix("$ tuner "))
        code, answer, messages = cli(*words, *(smaller if "lm.toml" in words else []))
        assert code == 0, messages
        answers.append(answer)
    assert re.search(r"hidden change by \S+ -> \S+ powers of 2 per doubling", answers[0])
    assert "training width 32 takes about" in answers[0]
    checked = json.loads(cli("check", "lm.toml", *smaller, "--json")[1])["sizes"]
    assert [each["size"] for each in checked["sizes"]] == [8, 16]
    assert checked["target"]["weights"] > checked["sizes"][-1]["weights"]
    assert "powers of 2 per doubling" in answers[-2]
    assert "a guess of bits_per_byte there" in answers[-2]
    assert re.search(r"trained at 32: bits_per_byte \d", answers[-1])
    assert cli("export", "lm.target", "model")[0] == 0
    assert "says how many bits a byte a text takes" in Path("model", "README.md").read_text()
    shown: dict[str, Any] = {}
    exec(blocks(PAGE, "python")[0], shown)
    assert shown["model"].generate("a ", tokens=5, seed=1).startswith("a ")
    target = tuner.load_study("lm.target")
    assert len(target.trials) == 1
    code, answer, _ = cli("scale", "lm", "--json")
    assert code == 0
    found = json.loads(answer)
    assert [rung["size"] for rung in found["ladder"]] == [8, 16]
    assert found["outcome"]["value"] == target.trials[0].value
    assert found["used"] == pytest.approx(target.trials[0].config["optimizer"]["lr"])


def test_a_study_without_a_ladder_is_refused_with_what_to_write(cli: Cli) -> None:
    quick = ["--trials", "1", "--set", "budget.epochs=1", "--executor", "inline", "--no-confirm"]
    assert cli("run", "iris", *quick)[0] == 0
    code, _, messages = cli("scale", "iris")
    assert code == 2
    assert "transfers nothing" in messages
    assert "[transfer]" in messages
