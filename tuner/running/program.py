"""Programs of a person's, asked what options they have."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tuner.domain.errors import ConfigurationError
from tuner.spec.program_help import ProgramOption, options_of

HELP_SECONDS = 60.0
"""How long a program may take to print its help: it may import torch first."""

_SHOWN = 400


def is_program(source: str) -> bool:
    """Whether `source` is the path of a program: a Python file, or an executable file."""
    path = Path(source)
    return path.is_file() and (path.suffix == ".py" or (path.suffix != ".toml" and os.access(path, os.X_OK)))


def words_of(program: Path, folder: Path) -> tuple[str, ...]:
    """Return the words that run a program in `folder`, as a study's command has them."""
    relative = os.path.relpath(program.absolute(), folder.absolute())
    if program.suffix == ".py":
        return ("{python}", relative)
    return (relative if "/" in relative else f"./{relative}",)


def options_of_program(words: Sequence[str], folder: Path) -> tuple[ProgramOption, ...]:
    """Run a program with `--help` in `folder`, and return its options.

    Raises `ConfigurationError` where it fails, takes too long, or prints no help.
    """
    command = [sys.executable if word == "{python}" else word for word in words]
    shown = f"{' '.join(words).replace('{python}', 'python')} --help"
    # Lines that are broken nowhere, in no colours.
    environment = {**os.environ, "COLUMNS": "500", "NO_COLOR": "1", "PYTHON_COLORS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - the program that the person names
            [*command, "--help"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=HELP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"{shown} printed no help within {HELP_SECONDS:g} s") from None
    except OSError as error:
        raise ConfigurationError(f"{shown} could not be run: {error}") from error
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0 or "usage:" not in text:
        printed = (done.stderr.decode(errors="replace") or text).strip()[-_SHOWN:]
        raise ConfigurationError(
            f"{shown} ended with exit code {done.returncode} and printed no help of argparse's: {printed or 'nothing'}",
            hint="write the study file yourself: `tuner init FILE` gives a template, docs/commands.md the way",
        )
    return options_of(text)
