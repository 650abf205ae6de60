"""What the guide to commands shows works, letter by letter."""

import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from guides import DOCS, blocks

import tuner
from tuner.domain.command import FACTS
from tuner.execution.command.process import GRACE_SECONDS
from tuner.execution.command.training import PATIENCE_SECONDS

PAGE = DOCS / "commands.md"
GUIDE = PAGE.read_text()
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(workplace: Path) -> Path:
    (workplace / "train.py").write_text(blocks(PAGE, "python")[0])
    (workplace / "space.toml").write_text(blocks(PAGE, "toml")[0])
    (workplace / "study.toml").write_text('executor = "inline"\n' + blocks(PAGE, "toml")[1])
    return workplace


@pytest.mark.usefixtures("folder")
def test_the_program_is_checked_tuned_and_queried_as_it_is(cli: Cli) -> None:
    for line in blocks(PAGE, "console")[0].splitlines():
        words = shlex.split(line.removeprefix("$ tuner "))
        code, answer, messages = cli(*words)
        assert code == 0, messages
    assert "loss" in answer
    assert len(tuner.load_study("study").trials) == 8


def test_with_its_last_line_changed_it_needs_no_study_file(folder: Path, cli: Cli) -> None:
    lines = blocks(PAGE, "python")[0].replace("import argparse", "import argparse, json").splitlines()
    (folder / "train.py").write_text("\n".join([*lines[:-1], '    print(json.dumps({"epoch": epoch, "loss": loss}))']))
    words = shlex.split(blocks(PAGE, "console")[1].removeprefix("$ tuner "))
    code, _, messages = cli(*words, "--trials", "2", "--executor", "inline", "--set", "budget.epochs=9")
    assert code == 0, messages
    assert len(tuner.load_study("train").trials) == 2


def test_the_proposal_for_the_program_runs(folder: Path, cli: Cli) -> None:
    assert cli("init", "study.toml", "--from", "train.py", "--force")[0] == 0
    content = tomllib.loads((folder / "study.toml").read_text())
    assert content["command"] == tomllib.loads(blocks(PAGE, "toml")[1])["command"]


def test_the_shell_script_is_tuned(folder: Path, cli: Cli) -> None:
    (folder / "train.sh").write_text(blocks(PAGE, "sh")[0])
    (folder / "shell.toml").write_text('executor = "inline"\n' + blocks(PAGE, "toml")[2])
    code, _, messages = cli("run", "shell.toml")
    assert code == 0, messages
    assert tuner.load_study("shell").trials[0].last_epoch == 5


def test_every_placeholder_and_duration_is_told_as_it_is() -> None:
    for fact in FACTS:
        assert f"`{{{fact}}}`" in GUIDE
    assert (GRACE_SECONDS, PATIENCE_SECONDS) == (10, 10)
