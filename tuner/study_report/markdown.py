"""A report as Markdown, with pictures beside it."""

import re
from collections.abc import Iterator
from functools import singledispatchmethod
from typing import final

from tuner.study_report.document import Block, Document, Facts, Gallery, Listing, Picture, Section, Table, Tables, Text
from tuner.study_report.png import picture_file

MARK = "<!-- tuner report -->"
"""The first line of a report of ours."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_FENCE = re.compile(r"`{3,}")


def as_markdown(document: Document, folder: str) -> str:
    """Return the report as Markdown whose pictures lie in `folder`."""
    writer = _Writer(folder)
    lines = [MARK, f"# {escaped(document.title)}", escaped(document.subtitle)]
    for section in document.sections:
        lines += [*writer.section(section)]
    lines.append(f"*{escaped(document.written)}*")
    return "\n\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Return text as Markdown shows it unchanged, on one line.

    >>> print(escaped("a_b <i> | [c](d)"))
    a\_b \<i\> \| \[c\](d)
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split("\n"))).replace("\N{NO-BREAK SPACE}", "&nbsp;")


@final
class _Writer:
    """Turns each kind of block into paragraphs of Markdown."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def section(self, section: Section) -> Iterator[str]:
        """Yield the paragraphs of a section."""
        yield f"## {escaped(section.title)}"
        for block in section.blocks:
            yield from self._block(block)

    @singledispatchmethod
    def _block(self, block: Block) -> Iterator[str]:
        raise TypeError(f"{type(block).__name__} is not a block")

    @_block.register
    def _(self, block: Text) -> Iterator[str]:
        yield escaped(block.words)

    @_block.register
    def _(self, block: Facts) -> Iterator[str]:
        lines = [
            f"- {escaped(fact.label)}: **{escaped(fact.value)}**" + (f", {escaped(fact.note)}" if fact.note else "")
            for fact in block.facts
        ]
        yield "\n".join(lines)

    @_block.register
    def _(self, block: Table) -> Iterator[str]:
        rules = ["---:" if header in block.right else "---" for header in block.headers]
        cells = [[escaped(cell) for cell in row] for row in (block.headers, *block.rows)]
        yield "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], rules, *cells[1:]))
        if block.caption:
            yield escaped(block.caption)

    @_block.register
    def _(self, block: Tables) -> Iterator[str]:
        for table in block.tables:
            yield from self._block(table)

    @_block.register
    def _(self, block: Picture) -> Iterator[str]:
        yield f"![{escaped(block.description)}]({self._folder}/{picture_file(block)})"
        yield escaped(block.caption)

    @_block.register
    def _(self, block: Gallery) -> Iterator[str]:
        for picture in block.pictures:
            yield from self._block(picture)

    @_block.register
    def _(self, block: Listing) -> Iterator[str]:
        if block.title:
            yield f"{escaped(block.title)}:"
        longest = max((len(found) for found in _FENCE.findall(block.text)), default=2)
        fence = "`" * max(3, longest + 1)
        yield f"{fence}text\n{block.text.rstrip()}\n{fence}"
