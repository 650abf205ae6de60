"""What text in a table's cells can mean: nothing, a number in some notation, a date in some format."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

MISSING_TEXT = ("",)
"""In words only an empty cell is missing: NA is a country, None an answer."""

MISSING_NUMBERS = ("", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "nil", "missing", "?", "-", "--")
"""Among numbers and dates these words, in whatever case, say that nothing is there."""

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_INFINITE = r"inf|infinity"

NOTATIONS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "1234.5": (rf"[+-]?(?:(?:\d+\.?\d*|\.\d+){_EXPONENT}|{_INFINITE})", "", "."),
        "1,234.5": (r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d{1,3})(?:\.\d+)?", ",", "."),
        "1234,5": (rf"[+-]?(?:\d+,?\d*|,\d+){_EXPONENT}", "", ","),
        "1.234,5": (r"[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d{1,3})(?:,\d+)?", ".", ","),
    }
)
"""How numbers are written: by an example, the pattern, what groups digits, and the decimal point."""

_CLOCK = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
FORMATS: Sequence[tuple[str, str]] = (
    ("ISO8601", rf"\d{{4}}-\d{{2}}-\d{{2}}(?:{_CLOCK}(?:\s?(?:Z|[+-]\d{{2}}:?\d{{2}}))?)?"),
    *(
        (f"%Y/%m/%d{clock}", r"\d{4}/\d{1,2}/\d{1,2}" + shape)
        for clock, shape in (("", ""), (" %H:%M", r" \d\d?:\d\d"))
    ),
    *(
        (f"{day}{clock}", pattern + shape)
        for clock, shape in (("", ""), (" %H:%M", r" \d\d?:\d\d"), (" %H:%M:%S", r" \d\d?:\d\d:\d\d"))
        for day, pattern in (
            ("%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"),
            ("%m/%d/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
            ("%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
        )
    ),
)
"""How dates are written: the format and the pattern that a text has to have before it is tried."""

_LEADING_ZERO = re.compile(r"[+-]?0\d+")


def is_text(values: Any) -> bool:
    """Whether a Series has to be read as text: its own type does not say what its values are."""
    return bool(pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.StringDtype | pd.CategoricalDtype))


def as_text(values: Any) -> Any:
    """Return a Series as text without spaces around it; whole numbers have no decimal point, nothing is missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_object_dtype(values):
        values = values.map(_word, na_action="ignore")
    return values.astype("str").str.strip()


def _word(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def plain_number(text: Any, notation: str) -> Any:
    """Return a Series of numbers in this notation in the one that computers read."""
    _, group, point = NOTATIONS[notation]
    if group:
        text = text.str.replace(group, "", regex=False)
    return text.str.replace(point, ".", regex=False) if point != "." else text


def notation_of(words: Any) -> str | None:
    """Return how all of these texts (a Series) write numbers; None where they are none, or codes with zeros first."""
    if words.str.fullmatch(_LEADING_ZERO).any():
        return None
    for notation, (pattern, _, _) in NOTATIONS.items():
        if words.str.fullmatch(pattern, flags=re.IGNORECASE).all():
            return notation
    return None


def format_of(words: Any) -> str | None:
    """Return how all of these texts (a Series) write dates; None where they are none. A month comes before a day."""
    for form, pattern in FORMATS:
        if not words.head(20).str.fullmatch(pattern).all() or not words.str.fullmatch(pattern).all():
            continue
        if pd.to_datetime(words, format=form, utc=True, errors="coerce").notna().all():
            return form
    return None
