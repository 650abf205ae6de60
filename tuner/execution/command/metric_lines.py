"""Metrics in what a program prints: lines of JSON, or lines that match a pattern."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.command import CHECKPOINT, NUMBERS

_LONGEST = 64 * 2**10
"""Characters of a line that is looked at."""

_MOST_OTHERS = 8
_LONGEST_NAME = 40
"""How many other names a failure lists, and how long they may be."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a program has measured: metrics by name, and the number of the epoch or step where it prints one.

    The number is as it was printed: it may be a fraction. `checkpoint` is the path of a file or folder that it can
    continue from after this epoch, "" without any.
    """

    metrics: Mapping[str, Any]
    number: float | None = None
    checkpoint: str = ""


@final
class MetricLines:
    """Finds a study's metrics in the lines that a program prints.

    A line counts where it has one of the `wanted` metrics: as a key of a JSON object that is the whole line or, with a
    `pattern`, as a named group of it.
    """

    def __init__(self, wanted: Collection[str], pattern: str = "") -> None:
        self._wanted = frozenset(wanted)
        self._pattern = re.compile(pattern) if pattern else None
        self.others: dict[str, None] = {}
        """What else there was a number of, in lines without any of the wanted metrics: the first names of all."""

    def read(self, line: str) -> Printed | None:
        """Return what a line reports; None for a line that reports nothing."""
        if len(line) > _LONGEST:
            return None
        found = _object(line) if self._pattern is None else self._matched(self._pattern, line)
        if not self._wanted.intersection(found):
            self._note_others(found)
            return None
        number = next((found[key] for key in NUMBERS if key in found), None)
        checkpoint = found.get(CHECKPOINT)
        apart = {*NUMBERS, CHECKPOINT} - self._wanted
        return Printed(
            metrics={key: value for key, value in found.items() if key not in apart},
            number=_numeral(number),
            checkpoint=checkpoint if isinstance(checkpoint, str) else "",
        )

    def _note_others(self, found: Mapping[str, Any]) -> None:
        for name, value in found.items():
            is_metric = name not in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool)
            if is_metric and len(name) <= _LONGEST_NAME and len(self.others) < _MOST_OTHERS:
                self.others[name] = None

    @staticmethod
    def _matched(pattern: re.Pattern[str], line: str) -> dict[str, Any]:
        match = pattern.search(line)
        groups = {} if match is None else match.groupdict()
        return {name: _number(text) for name, text in groups.items() if text is not None}


def _object(line: str) -> dict[str, Any]:
    """Return the JSON object that a line is, empty where it is none."""
    if not line.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(text: str) -> float | str:
    """Return the number that a text is; the text itself where it is none, for the failure that says so."""
    try:
        return float(text)
    except ValueError:
        return text


def _numeral(found: Any) -> float | None:
    """Return the number of an epoch or step; None for what is none, such as "3 of 9"."""
    number = _number(found) if isinstance(found, str) else found
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None
