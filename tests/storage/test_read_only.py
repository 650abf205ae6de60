"""A folder or file that may not be written: everything can be looked at, and running says what is wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tuner

COMMANDS = """
import sys
from typer.testing import CliRunner
from tuner.cli.__main__ import app
for words in (
    ["list"], ["status", "s"], ["best", "s"], ["trials", "s"], ["status", "s", "--json"], ["doctor", "s"],
    ["run", "new.toml"], ["resume", "s", "--trials", "9"], ["delete", "s", "--yes"],
):
    told = CliRunner().invoke(app, words)
    assert told.exception is None or isinstance(told.exception, SystemExit), (words, told.exception)
    print(words[0], told.exit_code, told.stderr.replace("\\n", " "))
"""
STUDY = """
objective = "task:train"
search_space = "task:space"
metric = "score"
executor = "inline"
[budget]
trials = 2
epochs = 1
"""
TASK = """
import tuner
space = tuner.SearchSpace(x=tuner.Float(0, 1))
def train(trial):
    yield {"score": trial.config["x"]}
"""


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"]}


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_what_may_not_be_written_can_be_looked_at(closed: str, workplace: Path) -> None:
    (workplace / "task.py").write_text(TASK)
    (workplace / "new.toml").write_text(STUDY)
    spec = tuner.StudySpec(
        objective=train,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        name="s",
        budget=tuner.Budget(trials=3, epochs=1),
        executor="inline",
    )
    tuner.run(spec)
    folder, file = workplace / ".tuner", workplace / ".tuner" / "studies.db"
    before = {path.name for path in folder.iterdir()}
    (folder if closed == "folder" else file).chmod(0o500 if closed == "folder" else 0o400)
    command = [sys.executable, "-c", COMMANDS]
    if os.geteuid() == 0:  # whom permissions do not keep from anything, unless they say so
        command = ["setpriv", "--bounding-set=-dac_override", *command]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if closed == "folder":
            assert {path.name for path in folder.iterdir()} == before
    finally:
        folder.chmod(0o700)
        file.chmod(0o600)
    assert ran.returncode == 0, ran.stderr
    told = ran.stdout.splitlines()
    codes = [(line.split()[0], int(line.split()[1])) for line in told]
    assert [code for name, code in codes if name in {"list", "status", "best", "trials"}] == [0] * 5, told
    for line in told[-3:]:
        assert line.split()[1] == "4", line
        assert "readonly database" in line
        assert "neither the file nor its folder may be read-only" in line
