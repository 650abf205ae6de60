"""What a finding is, and the words that findings share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import final

SHOWN = 5

Repair = Callable[[], None]


class Severity(Enum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing has to be done."""
    PROBLEM = "problem"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was looked at: `fix` is what mending does about it, "" where nothing can; `advice` what you can.

    `repair` does it, and may raise `OSError`; one of a study must be called while the study is held.
    """

    severity: Severity
    what: str
    where: str
    fix: str = ""
    advice: str = ""
    repair: Repair | None = field(default=None, repr=False, compare=False)


def ok(what: str, where: object) -> Finding:
    """Return that something is as it should be."""
    return Finding(severity=Severity.OK, what=what, where=str(where))


def note(what: str, where: object, fix: str = "", advice: str = "", repair: Repair | None = None) -> Finding:
    """Return something worth knowing."""
    return Finding(severity=Severity.NOTE, what=what, where=str(where), fix=fix, advice=advice, repair=repair)


def problem(what: str, where: object, fix: str = "", advice: str = "", repair: Repair | None = None) -> Finding:
    """Return something that is wrong."""
    return Finding(severity=Severity.PROBLEM, what=what, where=str(where), fix=fix, advice=advice, repair=repair)


def counted(things: Sequence[object], word: str) -> str:
    """Return how many of them there are, in words."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
