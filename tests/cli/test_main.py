import subprocess
import sys
from collections.abc import Callable

import pytest

from tuner.registry.catalogue import Catalogue

Cli = Callable[..., tuple[int, str, str]]
COMMANDS = Catalogue("tuner.cli", "command").names


def test_help_lists_every_command_with_what_it_does(cli: Cli) -> None:
    code, answer, _ = cli("--help")
    assert code == 0
    for command in COMMANDS:
        assert f"  {command} " in answer


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, cli: Cli) -> None:
    code, answer, _ = cli(command, "--help")
    assert code == 0
    assert f"Usage: root {command}" in answer or f"Usage: tuner {command}" in answer


def test_no_arguments_show_the_help(cli: Cli) -> None:
    _, answer, messages = cli()
    assert "Commands:" in answer + messages


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], ["torch", "ray", "optuna", "sqlalchemy", "numpy", "rich.table", "importlib.metadata"]),
        (["list"], ["torch", "ray", "optuna", "numpy", "sklearn", "pandas"]),
    ],
)
def test_cold_paths_import_nothing_heavy(words: list[str], heavy: list[str]) -> None:
    code = (
        "import sys\nfrom tuner.cli.__main__ import app\n"
        f"try: app({words!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stderr.strip().splitlines()[-1] == "[]"


def test_the_driver_of_a_run_never_imports_torch(tmp_path: object) -> None:
    code = (
        "import sys, pathlib\n"
        "from tuner.running.spec_source import read_spec\nfrom tuner.running.builder import build_components\n"
        "spec, source = read_spec('digits', {})\n"
        "build_components(spec, pathlib.Path('.'), pathlib.Path('.'))\n"
        "print([name for name in ('torch', 'sklearn', 'ray') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
