"""A database of somebody else's: its code runs where a person says so, and nowhere else."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tuner

Cli = Callable[..., tuple[int, str, str]]
EVIL = """
from pathlib import Path
Path({trace!r}).write_text("ran")
from tuner import Float, SearchSpace
space = SearchSpace(x=Float(0, 1))
def train(trial):
    yield {{"score": 1.0}}
"""
STUDY = 'objective = "evil:train"\nsearch_space = "evil:space"\nmetric = "score"\nexecutor = "inline"\n'


@pytest.fixture
def theirs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of somebody else's, whose module leaves a trace where it runs, with a study of two trials."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = workplace / "theirs"
    (folder / "inner").mkdir(parents=True)
    for each in (folder, folder / "inner"):
        (each / "evil.py").write_text(EVIL.format(trace=str(workplace / "ran")))
    (folder / "evil.toml").write_text(STUDY)
    monkeypatch.chdir(folder)
    tuner.run("evil.toml", storage="s.db", trials=2, epochs=1)
    forget(workplace)
    yield folder
    sys.modules.pop("evil", None)


def forget(workplace: Path) -> None:
    (workplace / "ran").unlink(missing_ok=True)
    sys.modules.pop("evil", None)
    sys.path[:] = [path for path in sys.path if not path.startswith(str(workplace))]


def rewrite(database: Path, key: str, **given: Any) -> None:
    """Change what a stored study says of itself, as a stranger would."""
    with sqlite3.connect(database) as connection:
        (text,) = connection.execute(
            "SELECT value_json FROM study_user_attributes WHERE key = ?", (f"tuner:{key}",)
        ).fetchone()
        changed = json.dumps({**json.loads(text), **given})
        connection.execute("UPDATE study_user_attributes SET value_json = ? WHERE key = ?", (changed, f"tuner:{key}"))
    connection.close()


RUNS = {
    "resume": ("resume", "evil", "--trials", "3"),
    "confirm": ("confirm", "evil"),
    "export": ("export", "evil", "out"),
}
QUERIES = (
    *(("status", "evil"), ("best", "evil"), ("trials", "evil"), ("list",), ("importance", "evil"), ("report", "evil")),
    *(("doctor",), ("logs", "evil", "0"), ("init", "new.toml", "--from", "evil"), ("compare", "evil", "evil")),
)


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_what_runs_code_of_another_folder_refuses_and_says_which_and_from_where(
    words: tuple[str, ...], theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    code, _, messages = cli(*words, "--storage", "theirs/s.db")
    assert code == 2
    said = " ".join(messages.split())
    assert "evil:train" in said
    assert "--trust" in said
    assert str(theirs) in messages.replace("\n", "")
    assert not (workplace / "ran").exists()


@pytest.mark.parametrize("words", QUERIES, ids=" ".join)
def test_no_query_runs_code(
    words: tuple[str, ...], theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    cli(*words, "--storage", "theirs/s.db")
    cli("init", "copy.toml", "--from", "theirs/evil.toml", "--storage", "none.db")
    assert not (workplace / "ran").exists()


@pytest.mark.parametrize("act", ["resume", "confirm", "best_model", "export"])
def test_python_asks_for_trust_too(act: str, theirs: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    study = tuner.load_study("evil", "theirs/s.db")
    with pytest.raises(tuner.UntrustedCodeError, match=r"would run evil:train and evil:space from .*theirs"):
        getattr(study, act)(*(["out"] if act == "export" else []))
    assert not (workplace / "ran").exists()


def test_what_a_person_trusts_runs_from_where_it_lies(
    theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    code, _, messages = cli("resume", "evil", "--trials", "3", "--storage", "theirs/s.db", "--trust")
    assert code == 0, messages
    assert (workplace / "ran").exists()


def test_a_study_goes_on_where_it_was_started_without_a_word(theirs: Path, cli: Cli, workplace: Path) -> None:
    code, _, messages = cli("resume", "evil", "--trials", "3", "--storage", "s.db")
    assert code == 0, messages
    assert (workplace / "ran").exists()


@pytest.mark.parametrize(
    "source",
    [
        {"folder": "."},
        {"folder": ""},
        {"folder": "theirs/.."},
        {"study": "THEIRS/inner/x.toml", "folder": "HERE"},
        {"study": "", "folder": "THEIRS"},
    ],
    ids=str,
)
def test_no_way_of_naming_a_folder_makes_it_this_one(
    source: dict[str, str], theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = workplace / "here"
    here.mkdir()
    given = {key: text.replace("THEIRS", str(theirs)).replace("HERE", str(here)) for key, text in source.items()}
    rewrite(theirs / "s.db", "source", **given)
    (theirs / "evil.toml").unlink()
    monkeypatch.chdir(here)
    code, _, messages = cli("resume", "evil", "--trials", "3", "--storage", "../theirs/s.db")
    assert code == 2, messages
    assert not (workplace / "ran").exists()


@pytest.mark.parametrize("named", ["../theirs/run.toml", "THEIRS/run.toml", "sub/../../theirs/run.toml"])
def test_a_study_file_elsewhere_says_no_command_however_it_is_named(
    named: str, theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = workplace / "here"
    (here / "sub").mkdir(parents=True)
    trace = workplace / "ran"
    space = "search_space = 'space.toml'\nmetric = 'score'\nexecutor = 'inline'\n[budget]\ntrials = 3\nepochs = 1\n"
    (theirs / "run.toml").write_text(f"command = ['touch', '{trace}']\n{space}")
    (theirs / "space.toml").write_text("x = {float = [0.0, 1.0]}\n")
    rewrite(theirs / "s.db", "source", study=named.replace("THEIRS", str(theirs)), folder=str(here))
    monkeypatch.chdir(here)
    code, _, messages = cli("resume", "evil", "--trials", "3", "--storage", "../theirs/s.db")
    assert code == 2, messages
    assert "--trust" in messages
    assert not trace.exists()


@pytest.mark.parametrize("folder", ["HERE", "THEIRS"])
def test_a_cluster_that_only_a_database_names_is_joined_where_a_person_says_so(
    folder: str, theirs: Path, workplace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be sent this folder and the variables that the study names, and what it answers is run here."""
    here = workplace / "here"
    here.mkdir()
    monkeypatch.chdir(theirs)
    tuner.run("iris", storage="iris.db", trials=1, epochs=1, executor="inline")
    rewrite(theirs / "iris.db", "spec", cluster={"address": "127.0.0.1:1", "env": ["HOME"]}, executor="ray")
    source = {"study": "", "overrides": {}, "folder": folder.replace("HERE", str(here)).replace("THEIRS", str(theirs))}
    rewrite(theirs / "iris.db", "source", **source)
    monkeypatch.chdir(here)
    code, _, messages = cli("resume", "iris", "--trials", "2", "--storage", "../theirs/iris.db")
    assert code == 2, messages
    said = " ".join(messages.split())
    assert "the Ray cluster at 127.0.0.1:1" in said
    assert "--trust" in said
