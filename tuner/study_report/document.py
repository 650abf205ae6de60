"""What a report is made of, whichever form it is written in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a `faint` one is a remark."""

    words: str
    faint: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number that is read at a glance: what it is, and a note that says what to make of it."""

    label: str
    value: str
    note: str = ""


@final
@dataclass(frozen=True, slots=True)
class Facts:
    """Facts side by side; the first is the most important where `leads`."""

    facts: Sequence[Fact]
    leads: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under `headers`; the columns of those in `right` are aligned to the right."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()
    caption: str = ""


@final
@dataclass(frozen=True, slots=True)
class Tables:
    """Narrow tables side by side."""

    tables: Sequence[Table]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A plotly figure. `name` is its file's, `caption` is read below it and `description` in its place.

    It is `height` pixels high; on the page it has the page's width, scrolled where that is less than `least_width`, and
    in a file `width`.
    """

    name: str
    caption: str
    description: str
    figure: Any = field(repr=False)
    height: int = 380
    width: int = 960
    least_width: int = 0


@final
@dataclass(frozen=True, slots=True)
class Gallery:
    """Small pictures side by side."""

    pictures: Sequence[Picture]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Text as it is, to be copied: a command, a file, a traceback. Under a `title` it is folded away."""

    text: str
    title: str = ""


Block = Text | Facts | Table | Tables | Picture | Gallery | Listing


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report; `slug` is its address on the page."""

    slug: str
    title: str
    blocks: Sequence[Block]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture in it, those of galleries too."""
        galleries = [block.pictures if isinstance(block, Gallery) else () for block in self.blocks]
        single = [(block,) if isinstance(block, Picture) else () for block in self.blocks]
        return tuple(picture for pair in zip(single, galleries, strict=True) for group in pair for picture in group)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report: the study's name, what it was in a line, its sections, and when and by what it was written."""

    title: str
    subtitle: str
    sections: Sequence[Section]
    written: str

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture, in the order of the page."""
        return tuple(picture for section in self.sections for picture in section.pictures)
