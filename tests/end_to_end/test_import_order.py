"""What is installed wins over what lies in a person's folder, in every process of a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import TEMPLATE

ROOT = Path(__file__).parents[2]
HOSTILE = (
    *("numpy", "pandas", "torch", "ray", "optuna", "sqlalchemy", "typer", "rich", "yaml"),
    *("random", "json", "typing", "dataclasses", "logging", "sitecustomize", "usercustomize", "conftest"),
    *("numexpr", "bottleneck", "tensorflow", "IPython"),  # what libraries import where they find it
)
ROWS = "a,b,y\n" + "".join(f"{n % 7},{n % 5},{'yes' if n % 7 > 3 else 'no'}\n" for n in range(120))
MINE = """
import helper_of_mine
def train(trial):
    import json, random
    assert "lib" in json.__file__ and "lib" in random.__file__, (json.__file__, random.__file__)
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"loss": helper_of_mine.VALUE + epoch}
"""


@pytest.fixture
def hostile(workplace: Path) -> Path:
    """A folder whose files leave a trace where they run, and the data and code that are meant."""
    for name in HOSTILE:
        (workplace / f"{name}.py").write_text(f"open({str(workplace / 'ran')!r}, 'a').write('{name}\\n')\n")
    (workplace / "t.csv").write_text(ROWS)
    (workplace / "mine.py").write_text(MINE)
    (workplace / "helper_of_mine.py").write_text("VALUE = 1.0\n")
    return workplace


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as its script does, with no folder of the person's on the module path."""
    return subprocess.run(
        [*words], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


def ran(folder: Path) -> str:
    file = folder / "ran"
    return file.read_text() if file.exists() else ""


SCRIPT = (sys.executable, "-P", "-m", "tuner.cli")
MODULE = (sys.executable, "-m", "tuner.cli")
ONE_WORKER = ("--parallel", "1")
"""A second worker imports as the first does."""
SMALL = ("--trials", "2", "--epochs", "1", *ONE_WORKER)


@pytest.mark.parametrize("program", [SCRIPT, MODULE], ids=["script", "module"])
def test_no_file_of_the_folder_with_the_data_runs(hostile: Path, program: tuple[str, ...]) -> None:
    done = run(hostile, *program, "run", "--data", "t.csv", "--target", "y", *SMALL)
    assert ran(hostile) == ""
    assert done.returncode == 0, done.stderr


def test_an_objective_of_the_folder_runs_with_what_is_installed(hostile: Path) -> None:
    for name in HOSTILE[17:]:
        (hostile / f"{name}.py").unlink()  # what nobody has installed, who imports it asks the folder for
    (hostile / "space.py").write_text("from tuner import Float, SearchSpace\nspace = SearchSpace(x=Float(0, 1))\n")
    (hostile / "mine.toml").write_text(
        'objective = "mine:train"\nsearch_space = "space:space"\nmetric = "loss"\n[budget]\ntrials = 2\nepochs = 2\n'
    )
    done = run(hostile, *SCRIPT, "run", "mine.toml", *ONE_WORKER)
    assert ran(hostile) == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["numpy", "random", "tuner", "time", "yaml"])
def test_an_objective_with_the_name_of_a_module_that_is_needed_is_refused_with_both_places(
    hostile: Path, module: str
) -> None:
    (hostile / f"{module}.py").write_text("def train(trial):\n    yield {'loss': 1.0}\n")
    (hostile / "mine.toml").write_text(
        f'objective = "{module}:train"\nsearch_space = "tabular_classifier"\nmetric = "loss"\n'
    )
    imported_by_then = {"random", "tuner", "time"}
    if module in imported_by_then:
        done = TEMPLATE.run("run", "mine.toml", cwd=hostile)
    else:
        done = run(hostile, *SCRIPT, "run", "mine.toml")
    assert done.returncode == 2, done.stderr
    assert f"call yours differently than {module}" in done.stderr
    assert f"{module}.py" in done.stderr.replace("\n", "")


def test_a_study_file_of_a_shipped_objective_puts_no_folder_on_the_module_path(hostile: Path) -> None:
    (hostile / "shipped.toml").write_text(
        'objective = "supervised"\nsearch_space = "tabular_classifier"\nmetric = "accuracy"\n'
        '[settings]\ndataset = "t.csv"\ntarget = "y"\n[budget]\ntrials = 2\nepochs = 1\n'
    )
    (hostile / "elsewhere").mkdir()
    done = run(hostile / "elsewhere", *SCRIPT, "run", "../shipped.toml", *ONE_WORKER)
    assert ran(hostile) == ""
    assert done.returncode == 0, done.stderr
