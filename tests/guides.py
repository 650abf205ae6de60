"""Guides of the documentation: the blocks of code that they show, and their commands, run one after the other."""

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: Path, language: str, title: str = "") -> list[str]:
    """Return the blocks of a page in a language, all of them or those whose first line has this title."""
    pattern = rf"^```{language}[^\n]*{title}[^\n]*\n(.*?)^```"
    return re.findall(pattern, page.read_text(), re.MULTILINE | re.DOTALL)


def run_commands(console: str, cli: Callable[..., tuple[int, str, str]], quick: Sequence[str]) -> None:
    """Run the commands of a console block, with the options of `quick` for `tuner run`; assert that all succeed."""
    for line in console.splitlines():
        words = shlex.split(line.removeprefix("$ tuner "))
        code, _, messages = cli(*words, *(quick if words[0] == "run" else ()))
        assert code == 0, messages
