"""Tables and consoles: what everything that is shown on a terminal is made of."""

import os
import sys
from collections.abc import Sequence
from typing import Any, final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.formatting.values import safe

_WIDE = 500  # what goes into a file or a pipe is neither wrapped nor cut


@final
class _Console(Console):
    """A console that goes silent when its reader has gone, such as `head`: a run is not ended by that."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.file.fileno())
        os.close(nothing)


def answers() -> Console:
    """Return the console for answers: stdout, as wide as needed when that is no terminal."""
    return _Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """Return the console for everything else: stderr."""
    return _Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False)


@final
class PlainTable(Table):
    """A table whose cells are plain text: what looks like markup, or would steer the terminal, is shown as it is."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(safe(cell)) if isinstance(cell, str) else cell for cell in cells), **options)


def grid(*headers: str, right: Sequence[str] = ()) -> PlainTable:
    """Return an empty table with these columns; those in `right` are aligned to the right."""
    table = PlainTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(Text(safe(header)), justify="right" if header in right else "left", no_wrap=True)
    return table
