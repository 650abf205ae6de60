"""What a shell is offered when a person presses the tabulator."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import TEMPLATE

import tuner

Cli = Callable[..., tuple[int, str, str]]


def offered(*words: str) -> list[str]:
    """Return what bash is offered for the last of the words."""
    asked = {"_TUNER_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    ran = TEMPLATE.run(env={**os.environ, **asked})
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.split()


def test_commands_and_options_are_completed(workplace: Path) -> None:
    assert offered("tuner", "re") == ["resume", "report", "retry"]
    assert offered("tuner", "best", "--to") == ["--top"]


def test_shipped_studies_and_study_files_are_offered_to_be_run(workplace: Path) -> None:
    Path("digits_mine.toml").touch()
    Path("pyproject.toml").touch()
    assert offered("tuner", "run", "dig") == ["digits", "digits_rows", "digits_mine.toml"]


def test_stored_studies_are_offered_wherever_they_are_kept(user_folder: Path) -> None:
    assert offered("tuner", "best", "") == []
    tuner.run("mine.toml", executor="inline", trials=1)
    tuner.run("mine.toml", executor="inline", trials=1, name="other", storage="elsewhere.db")
    assert offered("tuner", "best", "") == ["mine"]
    assert offered("tuner", "best", "--storage", "elsewhere.db", "") == ["other"]


def test_a_storage_that_cannot_be_read_offers_nothing_and_says_nothing(workplace: Path) -> None:
    Path("broken.db").write_text("no database at all")
    assert offered("tuner", "best", "--storage", "broken.db", "") == []
    assert offered("tuner", "best", "--storage", "postgresql+psycopg://me@127.0.0.1:9/db", "") == []


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_completion_is_offered(option: str, cli: Cli) -> None:
    assert option in cli("--help")[1]


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version") == (0, f"tuner {tuner.__version__}\n", "")
