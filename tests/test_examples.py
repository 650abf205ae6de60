"""Every program in `examples/` runs, in a folder of its own, as its reader starts it."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import PROGRAM, PYTEST, TEMPLATE
from plugins import install, on_path

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))
PLUGIN = EXAMPLES / "plugin"


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_runs(program: str, workplace: Path) -> None:
    ran = TEMPLATE.run(str(EXAMPLES / program), main=PROGRAM, cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


@pytest.fixture
def plugin(workplace: Path) -> Iterator[Path]:
    """The package of the example, as pip installs it."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    site = workplace.with_name(f"{workplace.name}-site")
    install(site, project["name"], project["entry-points"], tuner_coin=(PLUGIN / "tuner_coin.py").read_text())
    with on_path(site):
        yield site


def test_the_plugins_sampler_is_found_by_its_name(plugin: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = cli("run", "iris", "--sampler", "coin", "--set", "sampler.keep=0.5", "--trials", "3",
                       "--set", "budget.epochs=1", "--executor", "inline", "--no-confirm")  # fmt: skip
    assert code == 0, err
    assert plugin.is_dir()


def test_the_plugin_passes_its_own_test(plugin: Path) -> None:
    words = ("-q", "-p", "no:cacheprovider", "-o", f"pythonpath={plugin}", "--rootdir", str(PLUGIN), str(PLUGIN))
    ran = TEMPLATE.run(*words, main=PYTEST, cwd=plugin, env={"OMP_NUM_THREADS": "1", "PATH": ""})
    assert ran.returncode == 0, ran.stdout


def test_every_example_is_in_their_table() -> None:
    table = (EXAMPLES / "README.md").read_text()
    assert all(f"({name})" in table for name in [*PROGRAMS, "plugin"])
