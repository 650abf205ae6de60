"""HTML for notebooks: lines and tables of plain text, in which nothing that looks like markup is any.

Colours and sizes are the notebook's own, so what is shown is dark where the notebook is.
"""

from collections.abc import Iterable, Sequence
from html import escape

from tuner.formatting.values import safe

_CELL = "padding: 0 1.2em 0 0; border: none; white-space: pre; vertical-align: top"


def line(head: object, rest: object = "") -> str:
    """Return a line that begins with what matters."""
    return f'<div style="margin: 0.2em 0"><b>{_text(head)}</b> {_text(rest)}</div>'


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> str:
    """Return a table; the columns in `right` are aligned to the right."""
    sides = ["right" if header in right else "left" for header in headers]
    lines = [_row("th", sides, headers), *(_row("td", sides, row) for row in rows)]
    return f'<table style="border: none; margin: 0.4em 0">{"".join(lines)}</table>'


def beside(*blocks: str) -> str:
    """Return the blocks side by side, where there is room."""
    cells = "".join(f"<div>{block}</div>" for block in blocks)
    return f'<div style="display: flex; flex-wrap: wrap; gap: 0 3em">{cells}</div>'


def _row(tag: str, sides: Sequence[str], cells: Sequence[object]) -> str:
    inside = (
        f'<{tag} style="{_CELL}; text-align: {side}">{_text(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(inside)}</tr>"


def _text(value: object) -> str:
    return escape(safe(value))
